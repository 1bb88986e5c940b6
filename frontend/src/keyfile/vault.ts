import { fromBase64, toBase64 } from './base64';
import type { SignatureAlgorithm } from './certificate';
import { certificateRequest, generateKeyPair, type KeyAlgorithm } from './csr';
import type { Bytes } from './der';
import { KeyFileError } from './error';
import { type OpenedKeyFile, readCertificates, readKeyFile, signText } from './read';
import { writeKeyFile } from './write';

/** What the page may ask of the worker. Keys never cross this border. */
export interface Vault {
  /** Makes a key pair and keeps it; answers the PKCS#10 request, base64 DER. */
  generate: (algorithm: KeyAlgorithm) => Promise<string>;
  /** Writes the generated key with its certificate (base64 DER) into a key file.
   * May be repeated; forget ends it. */
  finish: (request: FinishRequest) => Promise<Bytes>;
  /** Opens a key file and keeps its key for sign. */
  open: (file: Bytes, password: string) => Promise<OpenResult>;
  /** The certificates of any PKCS#12 file, base64 DER; no key is opened. */
  certificates: (file: Bytes, password: string) => Promise<string[]>;
  /** Signs with the opened key; base64. */
  sign: (text: string) => Promise<string>;
  /** Drops every key. */
  forget: () => Promise<void>;
}

export interface FinishRequest {
  certificate: string;
  chain: string[];
  password: string;
  friendlyName: string;
}

export interface OpenResult {
  algorithm: SignatureAlgorithm;
  /** base64 DER, leaf first. */
  chain: string[];
}

export function createVault(): Vault {
  let generated: CryptoKeyPair | undefined;
  let opened: OpenedKeyFile | undefined;
  return {
    async generate(algorithm) {
      generated = await generateKeyPair(algorithm);
      return toBase64(await certificateRequest(generated));
    },
    async finish({ certificate, chain, password, friendlyName }) {
      if (generated === undefined) throw new KeyFileError('no_generated_key');
      return writeKeyFile({
        privateKey: generated.privateKey,
        certificate: fromBase64(certificate),
        chain: chain.map(fromBase64),
        password,
        friendlyName,
      });
    },
    async open(file, password) {
      opened = undefined;
      opened = await readKeyFile(file, password);
      return { algorithm: opened.algorithm, chain: opened.chain.map(toBase64) };
    },
    async certificates(file, password) {
      return (await readCertificates(file, password)).map(toBase64);
    },
    async sign(text) {
      if (opened === undefined) throw new KeyFileError('not_open');
      return toBase64(await signText(opened, text));
    },
    async forget() {
      generated = undefined;
      opened = undefined;
    },
  };
}
