import ui from './texts/ui.json';
import frame from './texts/frame.json';
import roles from './texts/roles.json';
import login from './texts/login.json';
import activation from './texts/activation.json';
import block from './texts/block.json';
import home from './texts/home.json';
import me from './texts/me.json';
import migration from './texts/migration.json';
import employees from './texts/employees.json';
import services from './texts/services.json';
import certificates from './texts/certificates.json';
import inventory from './texts/inventory.json';
import forecast from './texts/forecast.json';
import campaigns from './texts/campaigns.json';
import rules from './texts/rules.json';
import onboarding from './texts/onboarding.json';
import operator from './texts/operator.json';
import bulk from './texts/bulk.json';
import entitlements from './texts/entitlements.json';
import groups from './texts/groups.json';
import attorney from './texts/attorney.json';
import reviews from './texts/reviews.json';
import roleAdmin from './texts/roleAdmin.json';
import approvals from './texts/approvals.json';
import audit from './texts/audit.json';
import settings from './texts/settings.json';
import mailTemplates from './texts/mailTemplates.json';
import notices from './texts/notices.json';
import self from './texts/self.json';
import sessions from './texts/sessions.json';
import ownLogin from './texts/ownLogin.json';
import secureMail from './texts/secureMail.json';
import authority from './texts/authority.json';
import letters from './texts/letters.json';
import usage from './texts/usage.json';
import agreement from './texts/agreement.json';
import erasures from './texts/erasures.json';

/** What the pages say, one file a place. */
export const texts = {
  ui,
  frame,
  roles,
  login,
  activation,
  block,
  home,
  me,
  migration,
  employees,
  services,
  certificates,
  inventory,
  forecast,
  campaigns,
  rules,
  onboarding,
  operator,
  bulk,
  entitlements,
  groups,
  attorney,
  reviews,
  roleAdmin,
  approvals,
  audit,
  settings,
  mailTemplates,
  notices,
  self,
  sessions,
  ownLogin,
  secureMail,
  authority,
  letters,
  usage,
  agreement,
  erasures,
};
