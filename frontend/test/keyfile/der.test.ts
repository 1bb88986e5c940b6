// @vitest-environment node
import { expect, test } from 'vitest';
import { concat, DerError, integer, octets, oid, read, readInteger, readOctets, readOid, sequence } from '@/keyfile/der';

const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

test('integers are minimal and positive', () => {
  expect(integer(0)).toEqual(bytes('020100'));
  expect(integer(127)).toEqual(bytes('02017f'));
  expect(integer(128)).toEqual(bytes('02020080'));
  expect(integer(600_000)).toEqual(bytes('02030927c0'));
  expect(integer(bytes('000080'))).toEqual(bytes('02020080'));
  expect(readInteger(read(integer(600_000)))).toBe(600_000);
});

test('object identifiers with large arcs survive the round trip', () => {
  for (const one of ['1.2.840.113549.1.12.10.1.3', '2.16.840.1.101.3.4.1.42', '2.5.4.3', '0.9.2342']) {
    expect(readOid(read(oid(one)))).toBe(one);
  }
});

test('lengths of every form are written and read', () => {
  for (const size of [0, 127, 128, 255, 256, 70_000]) {
    expect(readOctets(read(octets(new Uint8Array(size).fill(7))))).toHaveLength(size);
  }
});

test('indefinite lengths and split strings, as other programs write them', () => {
  const split = read(bytes('2480' + '0402abcd' + '0401ef' + '0000'));
  expect(readOctets(split)).toEqual(bytes('abcdef'));
  expect(split.whole).toHaveLength(11);
});

test.each([
  ['nothing', ''],
  ['a cut length', '30'],
  ['a length beyond the end', '3005020100'],
  ['bytes after the end', '0201000000'],
  ['a five-byte length', '308500000000010500'],
  ['a long tag', '1f810100'],
  ['an indefinite primitive', '04800000'],
  ['no end of an indefinite length', '3080020100'],
])('refuses %s', (_, hex) => {
  expect(() => read(bytes(hex))).toThrow(DerError);
});

test('refuses more elements, depth or bytes than a key file needs', () => {
  expect(() => read(sequence(...Array.from({ length: 20_001 }, () => integer(1))))).toThrow('too many');
  let deep = integer(1);
  for (let i = 0; i < 30; i++) deep = sequence(deep);
  expect(() => read(deep)).toThrow('too deep');
  expect(() => read(octets(new Uint8Array(1 << 20)))).toThrow('too large');
  expect(concat()).toHaveLength(0);
});
