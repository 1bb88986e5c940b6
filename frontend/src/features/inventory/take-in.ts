import { errorText } from '@/api/client';
import { type Certificate, type Refusal, takeIn } from '@/api/inventory';
import { fromBase64, toBase64 } from '@/keyfile/base64';
import type { KeyFileWorker } from '@/keyfile/client';

/** One chosen file, and what to do with it. */
export interface Chosen {
  id: number;
  file: File;
  /** A key file: opened here, and only its certificates are sent. */
  locked: boolean;
  password: string;
}

/** What a file brought; failure is a sentence when nothing could be taken. */
export interface Outcome {
  name: string;
  added: Certificate[];
  known: number;
  replaced: number;
  refused: Refusal[];
  /** A private key was in the file and stayed in the browser. */
  keyKept: boolean;
  failure?: string;
}

/** Whether bytes begin like PKCS#12: a sequence whose first element is version 3. */
export function isKeyFile(name: string, head: Uint8Array): boolean {
  if (/\.(p12|pfx)$/i.test(name)) return true;
  if (head[0] !== 0x30) return false;
  const length = head[1] ?? 0;
  const at = length < 0x80 ? 2 : length === 0x80 ? 2 : 2 + (length & 0x7f);
  return head[at] === 0x02 && head[at + 1] === 0x01 && head[at + 2] === 0x03;
}

const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const certificate = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;

const pem = (der: string): string => `-----BEGIN CERTIFICATE-----\n${(der.match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;

// Larger text is no PEM of a key.
const mostText = 2_000_000;

/** What is sent in place of a file: never a private key. */
async function harmless({ file, locked, password }: Chosen, worker: KeyFileWorker): Promise<{ file: File; keyKept: boolean }> {
  if (locked) {
    const found = await worker.certificates(new Uint8Array(await file.arrayBuffer()), password);
    // Round about, so that what leaves is base64 of bytes and nothing else.
    const text = found.map((one) => pem(toBase64(fromBase64(one)))).join('');
    return { file: new File([text], `${file.name}.pem`), keyKept: true };
  }
  if (file.size > mostText) return { file, keyKept: false };
  const text = await file.text();
  if (!privateKey.test(text)) return { file, keyKept: false };
  return { file: new File([(text.match(certificate) ?? []).join('\n')], file.name), keyKept: true };
}

/** Sends one file, opened first when it is a key file. */
export async function send(chosen: Chosen, worker: KeyFileWorker): Promise<Outcome> {
  const nothing = { name: chosen.file.name, added: [], known: 0, replaced: 0, refused: [], keyKept: false };
  try {
    const { file, keyKept } = await harmless(chosen, worker);
    return { ...nothing, ...(await takeIn(file)), keyKept };
  } catch (error) {
    return { ...nothing, failure: errorText(error) };
  }
}
