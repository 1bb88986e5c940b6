/** The Monday of a day's week; both are YYYY-MM-DD. */
export function weekOf(day: string): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7));
  return at.toISOString().slice(0, 10);
}

/** How many items have each key, in the order of the keys. */
export function countBy<T, K extends string>(items: T[], key: (item: T) => K): [K, number][] {
  const counts = new Map<K, number>();
  for (const one of items) counts.set(key(one), (counts.get(key(one)) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
