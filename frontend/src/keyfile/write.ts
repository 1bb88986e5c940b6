import { type Bytes, encode, integer, nothing, octets, oid, sequence, set, Tag, utf16 } from './der';
import { hmacOf, macKey, passwordKey } from './kdf';
import { Oid } from './oid';

/**
 * Rounds of both doors to the password: PBES2 and the MAC. A guesser takes the
 * cheaper one, so they are equal. OWASP's figure for PBKDF2-HMAC-SHA256.
 */
export const rounds = 600_000;

export interface KeyFileContent {
  privateKey: CryptoKey;
  /** DER. */
  certificate: Bytes;
  /** DER, issuer first. */
  chain: Bytes[];
  password: string;
  /** The name that certificate stores show. */
  friendlyName: string;
}

interface Cipher {
  key: CryptoKey;
  iv: Bytes;
  /** AlgorithmIdentifier of PBES2, DER. */
  identifier: Bytes;
}

async function newCipher(password: string): Promise<Cipher> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const key = await passwordKey(password, { prf: 'SHA-256', salt, rounds, bits: 256 });
  const prf = sequence(oid(Oid.hmacSha256), nothing());
  const kdf = sequence(oid(Oid.pbkdf2), sequence(octets(salt), integer(rounds), integer(32), prf));
  const cipher = sequence(oid(Oid.aes256), octets(iv));
  return { key, iv, identifier: sequence(oid(Oid.pbes2), sequence(kdf, cipher)) };
}

const explicit = (content: Uint8Array): Bytes => encode(Tag.context(0), content);
const attribute = (type: string, value: Bytes): Bytes => sequence(oid(type), set(value));

function bag(type: string, value: Bytes, attributes: Bytes[]): Bytes {
  const tail = attributes.length > 0 ? [set(...attributes)] : [];
  return sequence(oid(type), explicit(value), ...tail);
}

function certificateBag(certificate: Bytes, attributes: Bytes[]): Bytes {
  const value = sequence(oid(Oid.x509Certificate), explicit(octets(certificate)));
  return bag(Oid.certBag, value, attributes);
}

async function encryptedContent(content: Bytes, password: string): Promise<Bytes> {
  const { key, iv, identifier } = await newCipher(password);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CBC', iv }, key, content));
  const info = sequence(oid(Oid.data), identifier, encode(0x80, sealed));
  return sequence(oid(Oid.encryptedData), explicit(sequence(integer(0), info)));
}

/**
 * A PKCS#12 file (RFC 7292): certificates and key under PBES2 with AES-256, and
 * the classic MAC, which every program reads; PBMAC1 is still refused by many.
 * wrapKey writes the key, so that its plain form is never a JavaScript value.
 */
export async function writeKeyFile(content: KeyFileContent): Promise<Bytes> {
  const { privateKey, certificate, chain, password, friendlyName } = content;
  const keyId = new Uint8Array(await crypto.subtle.digest('SHA-1', certificate));
  const attributes = [
    attribute(Oid.friendlyName, encode(Tag.bmpString, utf16(friendlyName))),
    attribute(Oid.localKeyId, octets(keyId)),
  ];
  const certificates = sequence(
    certificateBag(certificate, attributes),
    ...chain.map((one) => certificateBag(one, [])),
  );
  const { key, iv, identifier } = await newCipher(password);
  const how = { name: 'AES-CBC', iv };
  const wrapped = new Uint8Array(await crypto.subtle.wrapKey('pkcs8', privateKey, key, how));
  const shrouded = sequence(identifier, octets(wrapped));
  const keys = sequence(bag(Oid.shroudedKeyBag, shrouded, attributes));
  const safe = sequence(
    await encryptedContent(certificates, password),
    sequence(oid(Oid.data), explicit(octets(keys))),
  );
  const authSafe = sequence(oid(Oid.data), explicit(octets(safe)));
  return sequence(integer(3), authSafe, mac(safe, password));
}

function mac(safe: Bytes, password: string): Bytes {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const value = hmacOf('SHA-256', macKey('SHA-256', password, salt, rounds), safe);
  const digest = sequence(sequence(oid(Oid.sha256), nothing()), octets(value));
  return sequence(digest, octets(salt), integer(rounds));
}
