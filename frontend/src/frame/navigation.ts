import type { LinkProps } from '@tanstack/react-router';
import { may, type Right, type Session } from '@/api/session';
import type { texts } from '@/locales/da/texts';
import type { IconName } from '@/ui/icon';

/** One page of a section: its text is frame.entries.<key>. */
export interface Entry {
  to: NonNullable<LinkProps['to']>;
  key: keyof typeof texts.frame.entries;
  /** Absent: whoever is logged in. */
  right?: Right;
  /** Further rights each of which opens the page. */
  also?: Right[];
}

/** A top task: its texts are frame.tasks.<key> and home.<key>. A section of two
 * entries or more has a side menu. */
export interface Section {
  key: Exclude<keyof typeof texts.frame.tasks, 'home'>;
  icon: IconName;
  entries: Entry[];
}

/** The whole menu; a new page adds its line here. */
const sections: Section[] = [
  {
    key: 'employees',
    icon: 'persons',
    entries: [
      { to: '/employees', key: 'employees', right: 'employee.view' },
      { to: '/employees/bulk', key: 'bulk', right: 'employee.manage' },
      { to: '/employees/requests', key: 'employeeRequests', right: 'employee.manage' },
      { to: '/employees/secure-mail', key: 'secureMail', right: 'employee.view' },
      { to: '/employees/letters', key: 'letters', right: 'employee.manage' },
      { to: '/employees/erasures', key: 'erasures', right: 'employee.manage' },
    ],
  },
  {
    key: 'migration',
    icon: 'how-to-reg',
    entries: [
      { to: '/migration', key: 'migration', right: 'migration.manage' },
    ],
  },
  {
    key: 'rights',
    icon: 'checklist',
    entries: [
      { to: '/rights', key: 'catalogue' },
      { to: '/rights/requests', key: 'requests', right: 'entitlement.approve' },
      { to: '/rights/holders', key: 'holders', right: 'entitlement.report' },
      { to: '/rights/groups', key: 'groups', right: 'entitlement.report' },
      { to: '/rights/reviews', key: 'reviews' },
      { to: '/rights/basic', key: 'basicPackage', right: 'entitlement.report' },
    ],
  },
  {
    key: 'powers',
    icon: 'share',
    entries: [
      { to: '/powers/given', key: 'powersGiven', right: 'attorney.give', also: ['attorney.delete'] },
      { to: '/powers/received', key: 'powersReceived', right: 'attorney.give', also: ['attorney.delete'] },
    ],
  },
  {
    key: 'services',
    icon: 'link',
    entries: [
      { to: '/services', key: 'services', right: 'service.manage' },
    ],
  },
  {
    key: 'certificates',
    icon: 'lock',
    entries: [
      { to: '/inventory', key: 'inventory', right: 'certificate.view' },
      { to: '/inventory/forecast', key: 'forecast', right: 'certificate.view' },
      { to: '/inventory/campaigns', key: 'campaigns', right: 'certificate.view' },
      { to: '/inventory/hosts', key: 'hosts', right: 'certificate.view' },
      { to: '/inventory/reminders', key: 'reminders', right: 'certificate.view' },
      { to: '/certificates', key: 'certificates', right: 'certificate.view' },
    ],
  },
  {
    key: 'organisation',
    icon: 'business',
    entries: [
      { to: '/organisation/settings', key: 'settings', right: 'setting.view' },
      { to: '/identity-providers', key: 'ownLogin', right: 'setting.change' },
      { to: '/organisation/templates', key: 'templates', right: 'setting.view' },
      { to: '/organisation/usage', key: 'usage', right: 'usage.view' },
      { to: '/organisation/agreement', key: 'agreement', right: 'setting.view' },
      { to: '/organisation/audit', key: 'audit', right: 'audit.view' },
      { to: '/organisation/setup', key: 'setup', right: 'setting.change' },
      { to: '/organisation/terms', key: 'terms', right: 'setting.view' },
      { to: '/organisation/recoveries', key: 'recoveries', right: 'role.view' },
      { to: '/organisation/roles', key: 'roles', right: 'role.view' },
      { to: '/organisation/approvals', key: 'approvals', right: 'setting.view' },
    ],
  },
];

export interface ShownSection extends Section {
  first: Entry;
}

/** What the person sees of the menu; a section without a page is left out. */
export const sectionsOf = (session: Session): ShownSection[] =>
  sections.flatMap((section) => {
    const entries = section.entries.filter((entry) => entry.right === undefined || opens(session, entry));
    const [first] = entries;
    return first === undefined ? [] : [{ ...section, entries, first }];
  });

/** Administrators have an overview; everybody else a page of their own. */
export const isAdministrator = (session: Session): boolean =>
  sections.some((section) => section.entries.some((entry) => opens(session, entry)));

/** Whether one of the rights that the entry names is there. */
const opens = (session: Session, { right, also = [] }: Entry): boolean =>
  (right === undefined ? also : [right, ...also]).some((one) => may(session, one));

const covers = (entry: Entry, path: string): boolean => path === entry.to || path.startsWith(`${entry.to}/`);

/** The entry that a path belongs to: the longest one that begins it. */
export function entryAt(section: Section, path: string): Entry | undefined {
  return section.entries
    .filter((entry) => covers(entry, path))
    .sort((a, b) => b.to.length - a.to.length)
    .at(0);
}

export const sectionAt = (all: ShownSection[], path: string): ShownSection | undefined =>
  all.find((section) => entryAt(section, path) !== undefined);
