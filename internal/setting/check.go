package setting

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/form"
)

const (
	maxExtra     = 7  // kinds of extra information (MitID Erhverv's own limit)
	maxExtraName = 60 // characters
	minRetention = 30 // days
	maxRetention = 1825
)

// check brings d into its one form and returns the first mistake, fault.Invalid
// on its field.
func (s *Service) check(d *Settings) error {
	return firstOf(
		checkList("authenticators", &d.Authenticators, Authenticators, 1),
		checkList("creation.required", &d.Creation.Required, RequiredFields, 0),
		checkList("certificates", &d.Certificates, CertificateTypes, 0),
		checkList("four_eyes", &d.FourEyes, s.Acts, 0),
		checkList("notifications.muted", &d.Notifications.Muted, s.Kinds, 0),
		checkOne("minimum_level", d.MinimumLevel, Levels),
		checkOne("mail_language", d.MailLanguage, Languages),
		checkRange("retention_days", d.RetentionDays, minRetention, maxRetention),
		checkRange("full_load_limit", d.FullLoadLimit, 0, 100),
		d.checkCreation(),
		d.checkInvoice(),
	)
}

func firstOf(errs ...*fault.Error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkList sorts list as known is, without doubles.
func checkList(field string, list *[]string, known []string, atLeast int) *fault.Error {
	in := []string{}
	for _, name := range *list {
		if !slices.Contains(known, name) {
			return fault.New(fault.Invalid, "setting.list.unknown", "%q is not one of the choices here: %s.", name, strings.Join(known, ", ")).On(field)
		}
	}
	for _, name := range known {
		if slices.Contains(*list, name) {
			in = append(in, name)
		}
	}
	if len(in) < atLeast {
		return fault.New(fault.Invalid, "setting.list.empty", "Choose at least one.").On(field)
	}
	*list = in
	return nil
}

func checkOne(field, value string, known []string) *fault.Error {
	if slices.Contains(known, value) {
		return nil
	}
	return fault.New(fault.Invalid, "setting.choice.unknown", "%q is not one of the choices here: %s.", value, strings.Join(known, ", ")).On(field)
}

func checkRange(field string, value, low, high int) *fault.Error {
	if low <= value && value <= high {
		return nil
	}
	return fault.New(fault.Invalid, "setting.number.range", "Write a number from %d to %d.", low, high).On(field)
}

func (d *Settings) checkCreation() *fault.Error {
	c := &d.Creation
	if c.SelfRequest && slices.Contains(d.Authenticators, "local_idp") {
		return fault.New(fault.Invalid, "setting.self_request.local_idp", "Employees cannot ask to be created where they log in at the organisation's own identity provider.").On("creation.self_request")
	}
	extra := []string{}
	for _, name := range c.Extra {
		name = strings.Join(strings.Fields(name), " ")
		if name == "" {
			continue
		}
		if utf8.RuneCountInString(name) > maxExtraName || strings.ContainsFunc(name, unicode.IsControl) {
			return fault.New(fault.Invalid, "setting.extra.name", "The name of a kind of information has 1 to %d characters.", maxExtraName).On("creation.extra")
		}
		if slices.ContainsFunc(extra, func(other string) bool { return strings.EqualFold(other, name) }) {
			return fault.New(fault.Invalid, "setting.extra.twice", "%q is there twice.", name).On("creation.extra")
		}
		extra = append(extra, name)
	}
	if len(extra) > maxExtra {
		return fault.New(fault.Invalid, "setting.extra.many", "There can be at most %d kinds of extra information.", maxExtra).On("creation.extra")
	}
	c.Extra = extra
	c.DefaultEmail = strings.TrimSpace(c.DefaultEmail)
	return checkPattern(c.DefaultEmail)
}

// checkPattern wants an address once the placeholders are filled in, and at
// least one of them, so that two people do not get the same.
func checkPattern(pattern string) *fault.Error {
	if pattern == "" {
		return nil
	}
	filled := pattern
	for _, name := range Placeholders {
		filled = strings.ReplaceAll(filled, name, "x")
	}
	wrong := fault.New(fault.Invalid, "setting.default_email.form", "Write an address with at least one of %s before the @, for example {local_user_id}@company.dk.", strings.Join(Placeholders, ", ")).On("creation.default_email")
	local, domain, _ := strings.Cut(pattern, "@")
	if filled == pattern || !strings.Contains(local, "{") || strings.Contains(domain, "{") || !form.Mail(filled) {
		return wrong
	}
	return nil
}

func (d *Settings) checkInvoice() *fault.Error {
	i := &d.Invoice
	i.Email, i.EAN = strings.TrimSpace(i.Email), strings.Join(strings.Fields(i.EAN), "")
	if i.Method != "" && !slices.Contains(Methods, i.Method) {
		return checkOne("invoice.method", i.Method, Methods)
	}
	if d.Public && i.Method != "" && i.Method != MethodEAN {
		return fault.New(fault.Invalid, "setting.invoice.public", "Public organisations get their invoices through NemHandel (EAN).").On("invoice.method")
	}
	if i.Method != MethodEmail {
		i.Email = ""
	} else if !form.Mail(i.Email) {
		return fault.New(fault.Invalid, "setting.invoice.email", "Write the e-mail address that invoices go to.").On("invoice.email")
	}
	if i.Method != MethodEAN {
		i.EAN = ""
	} else if !isEAN(i.EAN) {
		return fault.New(fault.Invalid, "setting.invoice.ean", "An EAN location number has 13 digits, of which the last is a check digit. Look for a mistyped one.").On("invoice.ean")
	}
	return nil
}

// isEAN checks form and check digit (GS1 General Specifications 7.9: weights 1
// and 3 by turns).
func isEAN(s string) bool {
	if len(s) != 13 {
		return false
	}
	sum := 0
	for i, r := range []byte(s) {
		if r < '0' || r > '9' {
			return false
		}
		sum += int(r-'0') * (1 + 2*(i%2))
	}
	return sum%10 == 0
}
