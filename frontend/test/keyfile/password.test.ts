// @vitest-environment node
import { expect, test } from 'vitest';
import { generatePassword, passwordStrength } from '@/keyfile/password';

test('generated passwords are strong and never the same', () => {
  const made = Array.from({ length: 200 }, generatePassword);
  expect(new Set(made).size).toBe(200);
  for (const one of made) expect(one).toMatch(/^([a-hjkmnp-z2-9]{4}-){4}[a-hjkmnp-z2-9]{4}$/);
  expect(passwordStrength('k7qf-2mzx-9tbn-p4wd-h8rs')).toBe(3);
});

test.each([
  ['', 0],
  ['elleve tegn', 0],
  ['aaaaaaaaaaaaaaaaaaaa', 1],
  ['123456789012', 1],
  ['abcdefghijklmnop', 1],
  ['grønne blade', 2],
  ['korrekt hest batteri hæfteklamme', 3],
] as const)('%j has strength %d', (password, strength) => {
  expect(passwordStrength(password)).toBe(strength);
});
