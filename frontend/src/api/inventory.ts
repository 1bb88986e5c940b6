import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answer, baseUrl, client, type Schema } from './client';
import { upload } from './upload';

export type Certificate = Schema['InventoryCertificate'];
export type CertificateView = Schema['InventoryView'];
export type Place = Schema['InventoryPlace'];
export type Care = Schema['InventoryCare'];
export type Report = Schema['InventoryReport'];
export type Refusal = Schema['InventoryRefusal'];
export type Host = Schema['InventoryHost'];
export type Reminder = Schema['Reminder'];
export type Forecast = Schema['Forecast'];
export type ForecastMonth = Schema['ForecastMonth'];
export type Campaign = Schema['Campaign'];
export type CampaignMember = Schema['CampaignMember'];
export type Renewal = Schema['Renewal'];
export type RenewalPlan = Schema['RenewalPlan'];
export type Rules = Schema['ReminderRules'];
export type Generation = Schema['CertificateGeneration'];
export type Kind = Schema['CertificateKind'];
export type Plan = Schema['CertificatePlan'];

/** What narrows the list, as it stands in the address. */
export interface Narrowing {
  q?: string | undefined;
  generation?: string | undefined;
  kind?: string | undefined;
  plan?: string | undefined;
  until?: string | undefined;
  owner?: string | undefined;
  campaign?: string | undefined;
}

const given = (narrowing: Narrowing): Record<string, string> =>
  Object.fromEntries(Object.entries(narrowing).filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''));

export const inventoryQuery = (narrowing: Narrowing) =>
  infiniteQueryOptions({
    queryKey: ['inventory', 'list', given(narrowing)],
    queryFn: ({ pageParam }) => {
      const query = { ...given(narrowing), ...(pageParam === '' ? {} : { cursor: pageParam }) };
      return answer(client.GET('/inventory', { params: { query } }));
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const inventoryFile = (narrowing: Narrowing): string => {
  const query = new URLSearchParams(given(narrowing)).toString();
  return `${baseUrl}/inventory.csv${query === '' ? '' : `?${query}`}`;
};

export const certificateQuery = (id: string) =>
  queryOptions({
    queryKey: ['inventory', 'one', id],
    queryFn: () => answer(client.GET('/inventory/{id}', { params: { path: { id } } })),
  });

export const certificateDer = (id: string): string => `${baseUrl}/inventory/${encodeURIComponent(id)}/certificate.cer`;

export const takeIn = (file: File): Promise<Report> => upload<Report>('/inventory', file, {}, () => undefined);

export const changeCertificate = (id: string, care: Care) =>
  answer(client.PUT('/inventory/{id}', { params: { path: { id } }, body: care }));

export const deleteCertificate = (id: string) => answer(client.DELETE('/inventory/{id}', { params: { path: { id } } }));

export const addPlace = (id: string, place: Schema['InventoryPlaceNew']) =>
  answer(client.POST('/inventory/{id}/places', { params: { path: { id } }, body: place }));

export const tickPlace = (id: string, place: string, installed: boolean) =>
  answer(client.PUT('/inventory/{id}/places/{place}', { params: { path: { id, place } }, body: { installed } }));

export const removePlace = (id: string, place: string) =>
  answer(client.DELETE('/inventory/{id}/places/{place}', { params: { path: { id, place } } }));

/** An empty day ends it. */
export const snooze = (id: string, until: string, reason: string) =>
  answer(client.PUT('/inventory/{id}/snooze', { params: { path: { id } }, body: { until, reason } }));

export const hostsQuery = queryOptions({
  queryKey: ['inventory', 'hosts'],
  queryFn: () => answer(client.GET('/inventory/hosts')),
});

export const addHost = (address: string) => answer(client.POST('/inventory/hosts', { body: { address } }));

export const removeHost = (id: string) => answer(client.DELETE('/inventory/hosts/{id}', { params: { path: { id } } }));

export const scanHost = (id: string) => answer(client.POST('/inventory/hosts/{id}/scan', { params: { path: { id } } }));

export interface WhatIf {
  months: number;
  earlier: number;
  spread: number;
  /** The month in which the last is renewed, YYYY-MM; '' = none. */
  deadline: string;
  /** The generation that the deadline is for; '' = every one. */
  leaving: Generation | '';
}

const asked = ({ deadline, leaving, ...rest }: WhatIf) => ({
  ...rest,
  ...(deadline === '' ? {} : { deadline, ...(leaving === '' ? {} : { leaving }) }),
});

export const forecastQuery = (whatIf: WhatIf) =>
  queryOptions({
    queryKey: ['inventory', 'forecast', whatIf],
    queryFn: () => answer(client.GET('/forecast', { params: { query: asked(whatIf) } })),
  });

export const forecastFile = (whatIf: WhatIf): string =>
  `${baseUrl}/forecast.csv?${new URLSearchParams(Object.entries(asked(whatIf)).map(([name, value]) => [name, String(value)])).toString()}`;

export const campaignsQuery = queryOptions({
  queryKey: ['inventory', 'campaigns'],
  queryFn: () => answer(client.GET('/inventory/campaigns')),
});

export const campaignQuery = (id: string) =>
  queryOptions({
    queryKey: ['inventory', 'campaign', id],
    queryFn: () => answer(client.GET('/inventory/campaigns/{id}', { params: { path: { id } } })),
  });

export const newCampaign = (campaign: Schema['CampaignNew']) => answer(client.POST('/inventory/campaigns', { body: campaign }));

export const startCampaign = (id: string) => answer(client.POST('/inventory/campaigns/{id}/start', { params: { path: { id } } }));

export const pauseCampaign = (id: string) => answer(client.POST('/inventory/campaigns/{id}/pause', { params: { path: { id } } }));

export const resumeCampaign = (id: string) => answer(client.POST('/inventory/campaigns/{id}/resume', { params: { path: { id } } }));

export const cancelCampaign = (id: string) => answer(client.POST('/inventory/campaigns/{id}/cancel', { params: { path: { id } } }));

export const moveCampaign = (id: string, closesAt: string) =>
  answer(client.PUT('/inventory/campaigns/{id}/deadline', { params: { path: { id } }, body: { closes_at: closesAt } }));

export const membersQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['inventory', 'members', id],
    queryFn: ({ pageParam }) =>
      answer(client.GET('/inventory/campaigns/{id}/members', { params: { path: { id }, query: pageParam === '' ? {} : { cursor: pageParam } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  });

export const dropCampaign = (id: string) => answer(client.DELETE('/inventory/campaigns/{id}', { params: { path: { id } } }));

export const campaignReport = (id: string): string => `${baseUrl}/inventory/campaigns/${encodeURIComponent(id)}/report.csv`;

export const planRenewals = (plan: RenewalPlan) => answer(client.POST('/inventory/renewals', { body: plan }));

export const rulesQuery = queryOptions({
  queryKey: ['reminders', 'rules'],
  queryFn: () => answer(client.GET('/reminders/rules')),
});

export const changeRules = (rules: Rules) => answer(client.PUT('/reminders/rules', { body: rules }));

export const newCalendar = () => answer(client.POST('/reminders/calendar'));

export const remindersQuery = infiniteQueryOptions({
  queryKey: ['reminders', 'list'],
  queryFn: ({ pageParam }) => answer(client.GET('/reminders', { params: { query: pageParam === '' ? {} : { cursor: pageParam } } })),
  initialPageParam: '',
  getNextPageParam: (page) => page.next ?? undefined,
});

// A preview needs no more than this many; the first to end come first.
const mostPreviewed = 1_000;

/** Certificates in use that end by a day, at most a thousand. */
export const endingQuery = (until: string) =>
  queryOptions({
    queryKey: ['inventory', 'ending', until],
    queryFn: async () => {
      const all: Certificate[] = [];
      for (let cursor: string | null = ''; cursor !== null && all.length < mostPreviewed; ) {
        const query: Record<string, string> = cursor === '' ? { until } : { until, cursor };
        const page: Schema['InventoryList'] = await answer(client.GET('/inventory', { params: { query } }));
        all.push(...page.items);
        cursor = page.next;
      }
      return all;
    },
  });
