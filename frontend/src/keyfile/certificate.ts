import { type Bytes, child, DerError, type Node, read, readOid, Tag } from './der';
import { KeyFileError } from './error';
import { Oid } from './oid';

/** As much of an X.509 certificate as opening a key file needs. */
export interface Certificate {
  der: Bytes;
  issuer: Bytes;
  subject: Bytes;
  publicKey: Node;
}

export function readCertificate(der: Bytes): Certificate {
  const body = child(read(der), 0, Tag.sequence);
  // The version is [0] and may be absent: serial, signature, issuer, validity,
  // subject, key follow it.
  const first = body.children[0]?.tag === Tag.context(0) ? 1 : 0;
  return {
    der,
    issuer: child(body, first + 2, Tag.sequence).whole,
    subject: child(body, first + 4, Tag.sequence).whole,
    publicKey: child(body, first + 5, Tag.sequence),
  };
}

export type SignatureAlgorithm = 'ES256' | 'PS256';

/** How the key of a certificate signs a login. WebCrypto must know it before it
 * unwraps the private key. */
export function signatureAlgorithm(certificate: Certificate): SignatureAlgorithm {
  const identifier = child(certificate.publicKey, 0, Tag.sequence);
  const type = readOid(child(identifier, 0));
  if (type === Oid.rsa) return 'PS256';
  if (type === Oid.ecPublicKey && readOid(child(identifier, 1)) === Oid.p256) return 'ES256';
  throw new KeyFileError('unsupported_key', type);
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** The certificates from leaf to root, as far as the file has them. */
export function chainFrom(leaf: Certificate, all: Certificate[]): Certificate[] {
  const chain = [leaf];
  for (let current = leaf; !same(current.issuer, current.subject); ) {
    const issuer = all.find((one) => same(one.subject, current.issuer) && !chain.includes(one));
    if (issuer === undefined) break;
    chain.push(issuer);
    current = issuer;
  }
  return chain;
}

/** The certificate that issued none of the others. */
export function leafOf(all: Certificate[]): Certificate {
  const leaf = all.find((one) => !all.some((other) => other !== one && same(other.issuer, one.subject)));
  if (leaf === undefined) throw new DerError('no end certificate');
  return leaf;
}
