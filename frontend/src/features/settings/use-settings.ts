import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { isStatus } from '@/api/client';
import { changeSettings, type Settings, type SettingsChange, settingsQuery } from '@/api/settings';

export type Group = Exclude<keyof SettingsChange, 'version'>;

/** A field that somebody else has changed, as JSON has it. */
export interface Moved {
  field: string;
  before: string;
  now: string;
}

const plain = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value));

/** Field by field, "invoice.method"; groups are opened. */
function flat(value: object, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(value).flatMap(([name, one]: [string, unknown]) =>
      typeof one === 'object' && one !== null && !Array.isArray(one)
        ? [...flat(one, `${prefix}${name}.`)]
        : [[`${prefix}${name}`, plain(one)] as const],
    ),
  );
}

function movedBetween(before: Settings, now: Settings): Moved[] {
  const old = flat(before);
  return [...flat(now)]
    .filter(([field, value]) => field !== 'version' && !field.startsWith('choices.') && old.get(field) !== value)
    .map(([field, value]) => ({ field, before: old.get(field) ?? '', now: value }));
}

/**
 * The settings as this page has opened them. A save that comes too late fetches
 * what holds now and tells what has moved; what was typed stays.
 */
export function useSettings() {
  const queries = useQueryClient();
  const query = useQuery(settingsQuery);
  const [moved, setMoved] = useState<Moved[]>([]);
  const save = async (change: SettingsChange): Promise<void> => {
    const opened = query.data;
    if (opened === undefined) return;
    try {
      queries.setQueryData(settingsQuery.queryKey, await changeSettings(opened.version, change));
      setMoved([]);
    } catch (error) {
      if (isStatus(error, 409)) {
        const now = await queries.query({ ...settingsQuery, staleTime: 0 });
        setMoved(movedBetween(opened, now));
      }
      throw error;
    }
  };
  return { ...query, moved, save };
}
