import { type Certificate, chainFrom, leafOf, readCertificate, signatureAlgorithm } from './certificate';
import type { SignatureAlgorithm } from './certificate';
import { type Bytes, child, DerError, type Node, read, readInteger, readOctets, readOid, Tag } from './der';
import { type KeyFileCode, KeyFileError } from './error';
import { derive, type HashName, hmacOf, macKey, passwordKey, pbkdf2, sameBytes } from './kdf';
import type { LegacyCipher } from './legacy';
import { Oid } from './oid';

/** An opened key file. The key signs and cannot be read. */
export interface OpenedKeyFile {
  key: CryptoKey;
  algorithm: SignatureAlgorithm;
  /** DER, leaf first. */
  chain: Bytes[];
}

// Most rounds that are run: about two seconds in WebCrypto, and about two in the
// classic MAC, which is plain JavaScript.
const maxPbkdf2Rounds = 10_000_000;
const maxMacRounds = 2_000_000;

const prfs: Record<string, HashName> = {
  [Oid.hmacSha1]: 'SHA-1',
  [Oid.hmacSha256]: 'SHA-256',
  [Oid.hmacSha384]: 'SHA-384',
  [Oid.hmacSha512]: 'SHA-512',
};
const digests: Record<string, HashName> = {
  [Oid.sha1]: 'SHA-1',
  [Oid.sha256]: 'SHA-256',
  [Oid.sha384]: 'SHA-384',
  [Oid.sha512]: 'SHA-512',
};
const ciphers: Record<string, number> = { [Oid.aes128]: 128, [Oid.aes192]: 192, [Oid.aes256]: 256 };
/** The schemes of RFC 7292 appendix C, and the bytes of their keys. */
const legacy: Record<string, { cipher: LegacyCipher; bytes: number }> = {
  [Oid.pbeSha1TripleDes]: { cipher: { name: '3DES' }, bytes: 24 },
  [Oid.pbeSha1DoubleDes]: { cipher: { name: '3DES' }, bytes: 16 },
  [Oid.pbeSha1Rc2128]: { cipher: { name: 'RC2', bits: 128 }, bytes: 16 },
  [Oid.pbeSha1Rc240]: { cipher: { name: 'RC2', bits: 40 }, bytes: 5 },
};

function known<T>(table: Record<string, T>, type: string): T {
  const found = table[type];
  if (found === undefined) throw new KeyFileError('unsupported_cipher', type);
  return found;
}

function roundsWithin(node: Node, most: number): number {
  const rounds = readInteger(node);
  if (rounds < 1 || rounds > most) throw new KeyFileError('file_limits', `${rounds} rounds`);
  return rounds;
}

/** Reads what a file holds, its keys still closed. */
async function readParts(file: Bytes, password: string): Promise<[Contents, Secret]> {
  if (file[0] !== Tag.sequence) throw new KeyFileError('not_a_key_file');
  const { safe, mac } = readFrame(read(file));
  if (mac !== undefined) await checkMac(mac, safe, password);
  const secret: Secret = { password, blame: mac === undefined ? 'wrong_password' : 'damaged_file' };
  const found: Contents = { keys: [], certificates: [] };
  for (const part of read(safe).children) await readContent(part, secret, found);
  return [found, secret];
}

async function orDamaged<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    throw new KeyFileError('damaged_file', error instanceof Error ? error.message : '');
  }
}

/**
 * The certificates of a PKCS#12 file, DER, in its order: of any kind of key, and
 * of a file without a key. Keys stay closed.
 * Always throws a KeyFileError.
 */
export async function readCertificates(file: Bytes, password: string): Promise<Bytes[]> {
  const [found] = await orDamaged(readParts(file, password));
  if (found.certificates.length === 0) throw new KeyFileError('no_certificate');
  return found.certificates.map((one) => one.certificate.der);
}

/**
 * Opens a PKCS#12 file: PBES2 with AES, MAC classic, PBMAC1 or absent; and the
 * old ciphers (3DES, RC2), for which more code is loaded. Always throws a
 * KeyFileError, whatever the bytes are.
 */
export async function readKeyFile(file: Bytes, password: string): Promise<OpenedKeyFile> {
  return orDamaged(readParts(file, password).then(([found, secret]) => openKey(found, secret)));
}

interface Secret {
  password: string;
  /** What a failed decryption means: WebCrypto says no more than that the padding
   * is wrong, but a MAC that fitted has shown the password to be right. */
  blame: KeyFileCode;
}

function readFrame(file: Node): { safe: Bytes; mac: Node | undefined } {
  const version = file.children[0];
  const content = file.children[1];
  if (version?.tag !== Tag.integer || content?.tag !== Tag.sequence || readInteger(version) !== 3) {
    throw new KeyFileError('not_a_key_file');
  }
  const type = readOid(child(content, 0));
  if (type !== Oid.data) throw new KeyFileError('unsupported_cipher', type);
  const safe = readOctets(child(child(content, 1, Tag.context(0)), 0));
  return { safe, mac: file.children[2] };
}

async function checkMac(mac: Node, safe: Bytes, password: string): Promise<void> {
  const digest = child(mac, 0, Tag.sequence);
  const identifier = child(digest, 0, Tag.sequence);
  const want = readOctets(child(digest, 1));
  const type = readOid(child(identifier, 0));
  let got: Bytes;
  if (type === Oid.pbmac1) {
    const parameters = child(identifier, 1, Tag.sequence);
    const prf = known(prfs, readOid(child(child(parameters, 1), 0)));
    const key = await pbkdf2(password, readPbkdf2(child(parameters, 0), 256));
    got = hmacOf(prf, key, safe);
  } else {
    const name = known(digests, type);
    const count = mac.children[2];
    const rounds = count === undefined ? 1 : roundsWithin(count, maxMacRounds);
    got = hmacOf(name, macKey(name, password, readOctets(child(mac, 1)), rounds), safe);
  }
  if (!sameBytes(got, want)) throw new KeyFileError('wrong_password');
}

/** Parameters of PBKDF2; bits is the key length where the file names none. */
function readPbkdf2(identifier: Node, bits: number) {
  const type = readOid(child(identifier, 0));
  if (type !== Oid.pbkdf2) throw new KeyFileError('unsupported_cipher', type);
  const [salt, count, ...rest] = child(identifier, 1, Tag.sequence).children;
  if (salt === undefined || count === undefined) throw new DerError('PBKDF2 without salt or count');
  const length = rest.find((one) => one.tag === Tag.integer);
  const prf = rest.find((one) => one.tag === Tag.sequence);
  if (length !== undefined) bits = readInteger(length) * 8;
  if (bits < 128 || bits > 512) throw new KeyFileError('file_limits', `${bits} bits`);
  return {
    prf: prf === undefined ? ('SHA-1' as const) : known(prfs, readOid(child(prf, 0))),
    salt: readOctets(salt),
    rounds: roundsWithin(count, maxPbkdf2Rounds),
    bits,
  };
}

type KeyKind = EcKeyImportParams | RsaHashedImportParams;

interface Cipher {
  decrypt: (sealed: Bytes) => Promise<Bytes>;
  /** Opens a private key in PKCS#8 for signing. */
  unwrap: (sealed: Bytes, kind: KeyKind) => Promise<CryptoKey>;
}

function aesCipher(key: CryptoKey, iv: Bytes): Cipher {
  const how = { name: 'AES-CBC', iv };
  return {
    decrypt: async (sealed) => new Uint8Array(await crypto.subtle.decrypt(how, key, sealed)),
    unwrap: (sealed, kind) => crypto.subtle.unwrapKey('pkcs8', sealed, key, how, kind, false, ['sign']),
  };
}

async function legacyCipher(cipher: LegacyCipher, key: Bytes, iv: Bytes): Promise<Cipher> {
  const { decryptLegacy } = await import('./legacy');
  const decrypt = async (sealed: Bytes) => decryptLegacy(cipher, key, iv, sealed);
  return {
    decrypt,
    // Here the key is a value for a moment; afterwards it cannot be read either.
    unwrap: async (sealed, kind) => {
      const plain = await decrypt(sealed);
      try {
        return await crypto.subtle.importKey('pkcs8', plain, kind, false, ['sign']);
      } finally {
        plain.fill(0);
      }
    },
  };
}

async function readCipher(identifier: Node, password: string): Promise<Cipher> {
  const type = readOid(child(identifier, 0));
  const parameters = child(identifier, 1, Tag.sequence);
  const old = legacy[type];
  if (old !== undefined) {
    const p = { salt: readOctets(child(parameters, 0)), rounds: roundsWithin(child(parameters, 1), maxMacRounds) };
    const key = derive('SHA-1', 'key', password, p, old.bytes);
    return legacyCipher(old.cipher, key, derive('SHA-1', 'iv', password, p, 8));
  }
  if (type !== Oid.pbes2) throw new KeyFileError('unsupported_cipher', type);
  const cipher = child(parameters, 1, Tag.sequence);
  if (readOid(child(cipher, 0)) === Oid.tripleDes) {
    const kdf = readPbkdf2(child(parameters, 0), 192);
    return legacyCipher({ name: '3DES' }, await pbkdf2(password, kdf), readOctets(child(cipher, 1)));
  }
  const bits = known(ciphers, readOid(child(cipher, 0)));
  const kdf = readPbkdf2(child(parameters, 0), bits);
  if (kdf.bits !== bits) throw new DerError('key length does not fit the cipher');
  try {
    const key = await passwordKey(password, kdf);
    return aesCipher(key, readOctets(child(cipher, 1)));
  } catch (error) {
    // Chromium has no AES-192.
    throw new KeyFileError('unsupported_cipher', error instanceof Error ? error.name : '');
  }
}

interface Contents {
  keys: { value: Node; shrouded: boolean; id: string }[];
  certificates: { certificate: Certificate; id: string }[];
}

async function readContent(part: Node, secret: Secret, found: Contents): Promise<void> {
  const type = readOid(child(part, 0));
  const content = child(child(part, 1, Tag.context(0)), 0);
  if (type === Oid.data) {
    readBags(readOctets(content), found);
  } else if (type === Oid.encryptedData) {
    const info = child(content, 1, Tag.sequence);
    const cipher = await readCipher(child(info, 1, Tag.sequence), secret.password);
    readBags(await orBlame(secret, cipher.decrypt(readOctets(child(info, 2)))), found);
  } else {
    throw new KeyFileError('unsupported_cipher', type);
  }
}

async function orBlame<T>(secret: Secret, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new KeyFileError(secret.blame, error instanceof Error ? error.name : '');
  }
}

function readBags(content: Bytes, found: Contents): void {
  for (const bag of read(content).children) {
    const type = readOid(child(bag, 0));
    const value = child(child(bag, 1, Tag.context(0)), 0);
    const id = localKeyId(bag.children[2]);
    if (type === Oid.shroudedKeyBag || type === Oid.keyBag) {
      found.keys.push({ value, shrouded: type === Oid.shroudedKeyBag, id });
    } else if (type === Oid.certBag && readOid(child(value, 0)) === Oid.x509Certificate) {
      const der = readOctets(child(child(value, 1, Tag.context(0)), 0));
      found.certificates.push({ certificate: readCertificate(der), id });
    }
  }
}

function localKeyId(attributes: Node | undefined): string {
  const one = attributes?.children.find((node) => readOid(child(node, 0)) === Oid.localKeyId);
  return one === undefined ? '' : child(child(one, 1, Tag.set), 0).content.join(',');
}

async function openKey(found: Contents, secret: Secret): Promise<OpenedKeyFile> {
  const bag = found.keys[0];
  if (bag === undefined) throw new KeyFileError('no_key');
  const all = found.certificates.map((one) => one.certificate);
  if (all.length === 0) throw new KeyFileError('no_certificate');
  const named = found.certificates.find((one) => bag.id !== '' && one.id === bag.id);
  const leaf = named?.certificate ?? leafOf(all);
  const algorithm = signatureAlgorithm(leaf);
  const kind =
    algorithm === 'ES256'
      ? { name: 'ECDSA', namedCurve: 'P-256' }
      : { name: 'RSA-PSS', hash: 'SHA-256' };
  const chain = chainFrom(leaf, all).map((one) => one.der);
  if (!bag.shrouded) {
    const key = await crypto.subtle.importKey('pkcs8', bag.value.whole, kind, false, ['sign']);
    return { key, algorithm, chain };
  }
  const cipher = await readCipher(child(bag.value, 0, Tag.sequence), secret.password);
  const key = await orBlame(secret, cipher.unwrap(readOctets(child(bag.value, 1)), kind));
  return { key, algorithm, chain };
}

/** Signs a login text: raw r and s for ES256, PSS with salt 32 for PS256. */
export async function signText(file: OpenedKeyFile, text: string): Promise<Bytes> {
  const how =
    file.algorithm === 'ES256'
      ? { name: 'ECDSA', hash: 'SHA-256' }
      : { name: 'RSA-PSS', saltLength: 32 };
  const message = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.sign(how, file.key, message));
}
