import { bitString, type Bytes, encode, integer, nothing, oid, read, sequence, Tag } from './der';
import { Oid } from './oid';

export type KeyAlgorithm = 'P-256' | 'RSA-3072';

/** A new key pair. The private key is extractable, because only such a key can
 * be wrapped into a file; it stays in the worker. */
export async function generateKeyPair(algorithm: KeyAlgorithm): Promise<CryptoKeyPair> {
  const uses: KeyUsage[] = ['sign', 'verify'];
  if (algorithm === 'P-256') {
    return crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, uses);
  }
  const publicExponent = Uint8Array.of(1, 0, 1);
  const rsa = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 3072, publicExponent, hash: 'SHA-256' };
  return crypto.subtle.generateKey(rsa, true, uses);
}

/** The ASN.1 form of the 64 bytes r and s that WebCrypto gives for P-256. */
export function ecdsaDer(raw: Uint8Array): Bytes {
  const half = raw.length / 2;
  return sequence(integer(raw.subarray(0, half)), integer(raw.subarray(half)));
}

/**
 * A PKCS#10 request (RFC 2986), DER. The subject is empty: the issuing authority
 * takes the name from the invitation, never from the browser.
 */
export async function certificateRequest(pair: CryptoKeyPair): Promise<Bytes> {
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
  const info = sequence(integer(0), sequence(), read(publicKey).whole, encode(Tag.context(0)));
  if (pair.privateKey.algorithm.name === 'ECDSA') {
    const how = { name: 'ECDSA', hash: 'SHA-256' };
    const raw = new Uint8Array(await crypto.subtle.sign(how, pair.privateKey, info));
    return sequence(info, sequence(oid(Oid.ecdsaWithSha256)), bitString(ecdsaDer(raw)));
  }
  const how = 'RSASSA-PKCS1-v1_5';
  const signature = new Uint8Array(await crypto.subtle.sign(how, pair.privateKey, info));
  return sequence(info, sequence(oid(Oid.sha256WithRsa), nothing()), bitString(signature));
}
