import { hmac } from '@noble/hashes/hmac.js';
import { sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { type Bytes, concat, utf16 } from './der';

export type HashName = 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';

const hashes = { 'SHA-1': sha1, 'SHA-256': sha256, 'SHA-384': sha384, 'SHA-512': sha512 };

/** The PKCS#12 form of a password: UTF-16BE with two zero bytes at the end. */
export const bmpPassword = (password: string): Bytes => utf16(`${password.normalize('NFC')}\0`);

/** The PBES2 and PBMAC1 form of a password. */
export const utf8Password = (password: string): Bytes =>
  new TextEncoder().encode(password.normalize('NFC'));

/** As many whole blocks of a source as hold it once. */
function repeated(source: Uint8Array, block: number): Bytes {
  if (source.length === 0) return new Uint8Array(0);
  const filled = new Uint8Array(block * Math.ceil(source.length / block));
  for (let i = 0; i < filled.length; i++) filled[i] = source[i % source.length] ?? 0;
  return filled;
}

/** What a derived value is for: RFC 7292 appendix B.3. */
export type Purpose = 'key' | 'iv' | 'mac';

const purposes: Record<Purpose, number> = { key: 1, iv: 2, mac: 3 };

/**
 * So many bytes of RFC 7292 appendix B.2. WebCrypto does not have it, and
 * awaiting 600,000 digests takes seconds; hence a synchronous hash.
 */
export function derive(
  name: HashName,
  purpose: Purpose,
  password: string,
  p: { salt: Uint8Array; rounds: number },
  length: number,
): Bytes {
  const hash = hashes[name];
  const block = hash.blockLen;
  const input = concat(repeated(p.salt, block), repeated(bmpPassword(password), block));
  const out = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const first = hash.create().update(new Uint8Array(block).fill(purposes[purpose]));
    const value = new Uint8Array(first.update(input).digest());
    // Without allocation: twice as fast, and no garbage for a loaded machine to collect.
    const fresh = hash.create();
    const work = hash.create();
    for (let i = 1; i < p.rounds; i++) {
      fresh._cloneInto(work as never);
      work.update(value).digestInto(value);
    }
    out.set(value.subarray(0, length - at), at);
    at += value.length;
    if (at < length) addToBlocks(input, repeated(value, block).subarray(0, block));
  }
  return out;
}

/** Adds b + 1 to each block of the input, as numbers, without the last carry. */
function addToBlocks(input: Uint8Array, b: Uint8Array): void {
  for (let start = 0; start < input.length; start += b.length) {
    let carry = 1;
    for (let i = b.length - 1; i >= 0; i--) {
      carry += (input[start + i] ?? 0) + (b[i] ?? 0);
      input[start + i] = carry & 255;
      carry >>= 8;
    }
  }
}

/** The MAC key, one hash long. */
export function macKey(name: HashName, password: string, salt: Uint8Array, rounds: number): Bytes {
  return derive(name, 'mac', password, { salt, rounds }, hashes[name].outputLen);
}

export function hmacOf(name: HashName, key: Uint8Array, message: Uint8Array): Bytes {
  return new Uint8Array(hmac(hashes[name], key, message));
}

/** Bits of PBKDF2 (RFC 8018) from a password. */
export async function pbkdf2(
  password: string,
  p: { prf: HashName; salt: Bytes; rounds: number; bits: number },
): Promise<Bytes> {
  const secret = utf8Password(password);
  const base = await crypto.subtle.importKey('raw', secret, 'PBKDF2', false, ['deriveBits']);
  const parameters = { name: 'PBKDF2', hash: p.prf, salt: p.salt, iterations: p.rounds };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, base, p.bits));
}

/** An AES-CBC key derived from a password, for use only, never to be read. */
export async function passwordKey(
  password: string,
  p: { prf: HashName; salt: Bytes; rounds: number; bits: number },
): Promise<CryptoKey> {
  const secret = utf8Password(password);
  const base = await crypto.subtle.importKey('raw', secret, 'PBKDF2', false, ['deriveKey']);
  const parameters = { name: 'PBKDF2', hash: p.prf, salt: p.salt, iterations: p.rounds };
  const key = { name: 'AES-CBC', length: p.bits };
  const uses: KeyUsage[] = ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey'];
  return crypto.subtle.deriveKey(parameters, base, key, false, uses);
}

/** Compares without telling by its time where two MACs differ. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
