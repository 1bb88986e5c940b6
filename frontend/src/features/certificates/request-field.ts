import { toBase64 } from '@/keyfile/base64';

/** A certificate request as the server reads it: PEM or DER, in base64. Undefined
 * for a file that is too large to be one. */
export async function readRequest(file: File): Promise<string | undefined> {
  if (file.size > 12_000) return undefined;
  return toBase64(new Uint8Array(await file.arrayBuffer()));
}

/** A certificate and what stands above it, for a server's files. */
export function pem(certificates: string[]): string {
  return certificates
    .map((one) => `-----BEGIN CERTIFICATE-----\n${one.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END CERTIFICATE-----\n`)
    .join('');
}
