/**
 * ASN.1: a DER writer and a BER reader, only as wide as certificate requests
 * and PKCS#12 need. The reader takes indefinite lengths and split octet
 * strings, which other programs write, and has limits, so that no file can make
 * it recurse or run without end.
 */

export type Bytes = Uint8Array<ArrayBuffer>;

/** Thrown for bytes that are no well-formed BER within the limits. */
export class DerError extends Error {}

export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  bmpString: 0x1e,
  /** Context-specific, constructed. */
  context: (n: number) => 0xa0 + n,
} as const;

const maxDepth = 24;
const maxBytes = 1 << 20;
const maxNodes = 20_000;

export function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// --- writing ---------------------------------------------------------------

function lengthBytes(n: number): Bytes {
  if (n < 0x80) return Uint8Array.of(n);
  const digits: number[] = [];
  for (let rest = n; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  return Uint8Array.of(0x80 | digits.length, ...digits);
}

export function encode(tag: number, ...content: Uint8Array[]): Bytes {
  const body = concat(...content);
  return concat(Uint8Array.of(tag), lengthBytes(body.length), body);
}

export const sequence = (...content: Uint8Array[]): Bytes => encode(Tag.sequence, ...content);
export const set = (...content: Uint8Array[]): Bytes => encode(Tag.set, ...content);
export const octets = (content: Uint8Array): Bytes => encode(Tag.octetString, content);
export const nothing = (): Bytes => encode(Tag.null);
export const bitString = (content: Uint8Array): Bytes =>
  encode(Tag.bitString, Uint8Array.of(0), content);

/** A non-negative integer, from a number or from big-endian bytes. */
export function integer(value: number | Uint8Array): Bytes {
  if (typeof value === 'number') {
    const digits: number[] = [];
    for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
    return integer(Uint8Array.from(digits));
  }
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const bare = value.subarray(start);
  const first = bare[0];
  if (first === undefined) return encode(Tag.integer, Uint8Array.of(0));
  return first & 0x80
    ? encode(Tag.integer, Uint8Array.of(0), bare)
    : encode(Tag.integer, bare);
}

export function oid(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const body: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const digits = [arc & 0x7f];
    for (let high = Math.floor(arc / 128); high > 0; high = Math.floor(high / 128)) {
      digits.unshift((high % 128) | 0x80);
    }
    body.push(...digits);
  }
  return encode(Tag.oid, Uint8Array.from(body));
}

/** UTF-16BE, the string of PKCS#12 attributes and of its password. */
export function utf16(text: string): Bytes {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i));
  return bytes;
}

// --- reading ---------------------------------------------------------------

/** One element. `content` leaves out tag and length; `whole` has both. */
export interface Node {
  tag: number;
  content: Bytes;
  whole: Bytes;
  /** Empty for a primitive element. */
  children: Node[];
}

interface Cursor {
  bytes: Bytes;
  nodes: number;
}

/** Reads one element and refuses bytes after it. */
export function read(bytes: Bytes): Node {
  if (bytes.length > maxBytes) throw new DerError('too large');
  const cursor = { bytes, nodes: 0 };
  const [node, end] = readAt(cursor, 0, bytes.length, 0);
  if (end !== bytes.length) throw new DerError('bytes after the end');
  return node;
}

function readAt(c: Cursor, start: number, limit: number, depth: number): [Node, number] {
  if (depth > maxDepth) throw new DerError('too deep');
  if (++c.nodes > maxNodes) throw new DerError('too many elements');
  const tag = byteAt(c, start, limit);
  if ((tag & 0x1f) === 0x1f) throw new DerError('long tag');
  const [length, body] = readLength(c, start + 1, limit);
  const constructed = (tag & 0x20) !== 0;
  if (length === null) {
    if (!constructed) throw new DerError('indefinite length of a primitive');
    return readIndefinite(c, { tag, start, body, limit, depth });
  }
  const end = body + length;
  if (end > limit) throw new DerError('length beyond the end');
  const children: Node[] = [];
  if (constructed) {
    for (let at = body; at < end; ) {
      const [child, next] = readAt(c, at, end, depth + 1);
      children.push(child);
      at = next;
    }
  }
  const node = { tag, content: c.bytes.slice(body, end), whole: c.bytes.slice(start, end), children };
  return [node, end];
}

function readIndefinite(
  c: Cursor,
  p: { tag: number; start: number; body: number; limit: number; depth: number },
): [Node, number] {
  const children: Node[] = [];
  let at = p.body;
  while (byteAt(c, at, p.limit) !== 0 || byteAt(c, at + 1, p.limit) !== 0) {
    const [child, next] = readAt(c, at, p.limit, p.depth + 1);
    children.push(child);
    at = next;
  }
  const content = c.bytes.slice(p.body, at);
  const end = at + 2;
  return [{ tag: p.tag, content, whole: c.bytes.slice(p.start, end), children }, end];
}

/** The length, null when indefinite, and where the content begins. */
function readLength(c: Cursor, at: number, limit: number): [number | null, number] {
  const first = byteAt(c, at, limit);
  if (first < 0x80) return [first, at + 1];
  if (first === 0x80) return [null, at + 1];
  const count = first & 0x7f;
  if (count > 4) throw new DerError('length too long');
  let length = 0;
  for (let i = 1; i <= count; i++) length = length * 256 + byteAt(c, at + i, limit);
  return [length, at + 1 + count];
}

function byteAt(c: Cursor, at: number, limit: number): number {
  const value = at < limit ? c.bytes[at] : undefined;
  if (value === undefined) throw new DerError('unexpected end');
  return value;
}

/** The child at index, of the tag asked for. */
export function child(node: Node, index: number, tag?: number): Node {
  const found = node.children[index];
  if (found === undefined) throw new DerError(`element ${index} is missing`);
  if (tag !== undefined && found.tag !== tag) throw new DerError(`element ${index} has tag ${found.tag}`);
  return found;
}

export function readOid(node: Node): string {
  if (node.tag !== Tag.oid) throw new DerError('not an object identifier');
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of node.content) {
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 256) throw new DerError('arc too large');
    if ((byte & 0x80) === 0) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const first = arcs[0] ?? 0;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...arcs.slice(1)].join('.');
}

/** A small non-negative integer, such as a count of rounds. */
export function readInteger(node: Node): number {
  if (node.tag !== Tag.integer) throw new DerError('not an integer');
  if (node.content.length === 0 || node.content.length > 6) throw new DerError('integer out of range');
  const value = node.content.reduce((sum, byte) => sum * 256 + byte, 0);
  if ((node.content[0] ?? 0) & 0x80) throw new DerError('negative integer');
  return value;
}

/** The bytes of an octet string, also when it was written in pieces. */
export function readOctets(node: Node): Bytes {
  if (node.children.length > 0) return concat(...node.children.map(readOctets));
  return node.content;
}
