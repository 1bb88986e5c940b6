import { may, type Right, type Session } from '@/api/session';

const tasks = [
  { to: '/migration', key: 'migration', right: 'migration.manage' },
  { to: '/employees', key: 'employees', right: 'employee.view' },
  { to: '/services', key: 'services', right: 'service.manage' },
] as const satisfies { to: string; key: string; right: Right }[];

/** The tasks a person may do; later parts of the product add theirs here. */
export const tasksOf = (session: Session) => tasks.filter((task) => may(session, task.right));

export const isAdministrator = (session: Session): boolean => tasksOf(session).length > 0;
