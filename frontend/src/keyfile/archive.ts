import type { Bytes } from './der';
import { KeyFileError } from './error';
import { utf8Password } from './kdf';

/**
 * An archived file: the mark, its version, salt, nonce, then AES-256-GCM of the
 * file's name (its length in two bytes before it) and content, with all before the
 * nonce as additional data. The key is PBKDF2-SHA-256 of the passphrase. The server
 * looks at the mark and sees no more than the size.
 */
const mark = new TextEncoder().encode('ADGANG-ARCHIVE\x01');
const saltLength = 16;
const nonceLength = 12;
const rounds = 600_000;

export interface Archived {
  name: string;
  content: Bytes;
}

async function keyOf(passphrase: string, salt: Bytes): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', utf8Password(passphrase), 'PBKDF2', false, ['deriveKey']);
  return crypto.subtle.deriveKey(
    { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: rounds },
    base,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  );
}

/** Encrypts a file so that only the passphrase opens it again. */
export async function sealArchive({ name, content }: Archived, passphrase: string): Promise<Bytes> {
  const title = new TextEncoder().encode(name).slice(0, 0xffff);
  const salt = crypto.getRandomValues(new Uint8Array(saltLength));
  const nonce = crypto.getRandomValues(new Uint8Array(nonceLength));
  const plain = new Uint8Array(2 + title.length + content.length);
  new DataView(plain.buffer).setUint16(0, title.length);
  plain.set(title, 2);
  plain.set(content, 2 + title.length);
  const head = new Uint8Array([...mark, ...salt]);
  const secret = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv: nonce, additionalData: head },
    await keyOf(passphrase, salt),
    plain,
  );
  plain.fill(0);
  const sealed = new Uint8Array(head.length + nonceLength + secret.byteLength);
  sealed.set(head);
  sealed.set(nonce, head.length);
  sealed.set(new Uint8Array(secret), head.length + nonceLength);
  return sealed;
}

/** Opens what sealArchive made. Throws KeyFileError: not_archive, wrong_passphrase
 * (also when it was changed on the way: the two cannot be told apart). */
export async function openArchive(sealed: Bytes, passphrase: string): Promise<Archived> {
  const start = mark.length + saltLength + nonceLength;
  if (sealed.length < start + 16 || mark.some((byte, i) => sealed[i] !== byte)) throw new KeyFileError('not_archive');
  const head = sealed.slice(0, mark.length + saltLength);
  let plain: Bytes;
  try {
    plain = new Uint8Array(
      await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv: sealed.slice(mark.length + saltLength, start), additionalData: head },
        await keyOf(passphrase, sealed.slice(mark.length, mark.length + saltLength)),
        sealed.slice(start),
      ),
    );
  } catch {
    throw new KeyFileError('wrong_passphrase');
  }
  const length = new DataView(plain.buffer).getUint16(0);
  return { name: new TextDecoder().decode(plain.slice(2, 2 + length)), content: plain.slice(2 + length) };
}
