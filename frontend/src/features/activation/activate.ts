import { answer, client, type Schema } from '@/api/client';
import type { Bytes } from '@/keyfile/der';
import { KeyFileWorker } from '@/keyfile/client';

export interface MadeKeyFile {
  bytes: Bytes;
  issued: Schema['IssuedCertificate'];
}

interface Request {
  token: string;
  code: string;
  password: string;
  algorithm: Schema['Activation']['key_algorithm'];
  onStep: (step: 'key' | 'certificate' | 'file') => void;
}

/**
 * One person's activation. The key pair is made once and kept in the worker, so
 * that a wrong code or a lost answer is tried again with the same key, for which
 * the server gives the same certificate.
 */
export class Activator {
  private worker: KeyFileWorker | undefined;
  private csr: string | undefined;

  async run({ token, code, password, algorithm, onStep }: Request): Promise<MadeKeyFile> {
    onStep('key');
    this.worker ??= new KeyFileWorker();
    this.csr ??= await this.worker.generate(algorithm);
    onStep('certificate');
    const body = { token, code, csr: this.csr };
    const issued = await answer(client.POST('/activation/certificate', { body }));
    onStep('file');
    const { certificate, chain, friendly_name: friendlyName } = issued;
    return { issued, bytes: await this.worker.finish({ certificate, chain, password, friendlyName }) };
  }

  /** Ends the worker and with it the key. */
  close(): void {
    this.worker?.close();
    this.worker = undefined;
    this.csr = undefined;
  }
}

/** A file name that every system takes, from the name of the certificate. */
export function fileName(friendlyName: string): string {
  const plain = friendlyName.normalize('NFC').replace(/[^\p{L}\p{N} ._-]+/gu, '').trim();
  return `${plain === '' ? 'adgang' : plain.slice(0, 80)}.p12`;
}

/** What a person meant by a typed code, as the server reads it: 16 letters. */
export function cleanCode(typed: string): string {
  return typed.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
}
