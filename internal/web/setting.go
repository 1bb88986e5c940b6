package web

import (
	"bytes"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/approval"
	"github.com/adgang/adgang/internal/setting"
	"github.com/adgang/adgang/internal/usage"
)

// settingsRoutes also calls for the rooms around the settings: words of mails,
// notices, the own page.
func (s *Server) settingsRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	s.wordingRoutes(api, need...)
	s.noticeRoutes(api, need...)
	s.selfRoutes(api, need...)
	s.openSessionRoutes(api, need...)
	api.GET("/settings", s.settings, need...)
	api.PATCH("/settings", s.settingsChange, need...)
	api.GET("/agreement", s.agreement, need...)
	api.POST("/agreement/end", s.agreementEnd, need...)
	api.GET("/usage", s.usage, need...)
	api.GET("/usage.csv", s.usageCSV, need...)
}

// settings: GET /api/v1/settings -> 200 Settings.
func (s *Server) settings(c echo.Context) error {
	now, err := s.Setting.Settings(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, s.settingsOf(now))
}

// settingsChange: PATCH /api/v1/settings SettingsChange -> 200 Settings.
func (s *Server) settingsChange(c echo.Context) error {
	var in SettingsChange
	if err := bind(c, &in); err != nil {
		return err
	}
	now, err := s.Setting.Change(c.Request().Context(), actor(c), in.Version, in.apply)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, s.settingsOf(now))
}

func (in SettingsChange) apply(to *setting.Settings) {
	set(&to.Authenticators, in.Authenticators)
	set(&to.MinimumLevel, in.MinimumLevel)
	set(&to.Certificates, in.Certificates)
	set(&to.Directory, in.Directory)
	set(&to.RetentionDays, in.RetentionDays)
	set(&to.FullLoadLimit, in.FullLoadLimit)
	set(&to.MailLanguage, in.MailLanguage)
	if in.Creation != nil {
		to.Creation = setting.Creation{
			Required: in.Creation.Required, SelfRequest: in.Creation.SelfRequest, Anonymous: in.Creation.Anonymous,
			Extra: in.Creation.Extra, DefaultEmail: in.Creation.DefaultEmail,
		}
	}
	if in.Invoice != nil {
		to.Invoice = setting.Invoice{Method: in.Invoice.Method, Email: in.Invoice.Email, EAN: in.Invoice.Ean}
	}
	if in.Notifications != nil {
		to.Notifications = setting.Notifications{Muted: in.Notifications.Muted}
	}
}

// set is for a field of a change that may be left out.
func set[T any](to, given *T) {
	if given != nil {
		*to = *given
	}
}

func (s *Server) settingsOf(now setting.Settings) Settings {
	out := Settings{
		Version: now.Version, Public: now.Public, Authenticators: now.Authenticators, MinimumLevel: SettingsMinimumLevel(now.MinimumLevel),
		Creation: SettingsCreation{
			Required: now.Creation.Required, SelfRequest: now.Creation.SelfRequest, Anonymous: now.Creation.Anonymous,
			Extra: now.Creation.Extra, DefaultEmail: now.Creation.DefaultEmail,
		},
		Invoice:       SettingsInvoice{Method: now.Invoice.Method, Email: now.Invoice.Email, Ean: now.Invoice.EAN},
		Certificates:  []SettingsCertificates{},
		Directory:     now.Directory,
		Notifications: SettingsNotifications{Muted: now.Notifications.Muted},
		FourEyes:      now.FourEyes, RetentionDays: now.RetentionDays, FullLoadLimit: now.FullLoadLimit,
		MailLanguage: SettingsMailLanguage(now.MailLanguage),
		Choices: SettingsChoices{
			Authenticators: setting.Authenticators, Required: setting.RequiredFields,
			Acts: s.acts(), Mails: s.Setting.Kinds,
		},
	}
	for _, one := range now.Certificates {
		out.Certificates = append(out.Certificates, SettingsCertificates(one))
	}
	return out
}

// acts are what may be put under four eyes, with names for people.
func (s *Server) acts() []SettingsAct {
	out := []SettingsAct{}
	for _, act := range approval.Catalogue() {
		if act.Name != approval.FourEyes.Name {
			out = append(out, SettingsAct{Name: act.Name, Danish: act.Danish, English: act.English})
		}
	}
	return out
}

// agreement: GET /api/v1/agreement -> 200 Agreement.
func (s *Server) agreement(c echo.Context) error {
	by := actor(c)
	if err := by.Need(access.ViewSettings); err != nil {
		return err
	}
	o, err := s.Org.Organisation(c.Request().Context(), by.OrgID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, Agreement{CVR: o.CVR, Since: o.CreatedAt, EndsAt: o.EndsAt})
}

// agreementEnd: POST /api/v1/agreement/end AgreementEnd -> 200 Agreement, or 202
// ApprovalRequest.
func (s *Server) agreementEnd(c echo.Context) error {
	var in AgreementEnd
	if err := bind(c, &in); err != nil {
		return err
	}
	waiting, err := s.Org.End(c.Request().Context(), actor(c), in.CVR, in.At)
	if err != nil {
		return err
	}
	if waiting != nil {
		return s.doneOrWaiting(c, waiting)
	}
	return s.agreement(c)
}

// usage: GET /api/v1/usage -> 200 Usage.
func (s *Server) usage(c echo.Context) error {
	o, err := s.Usage.Overview(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := Usage{
		Months: []UsageMonth{}, Now: usageMonth(o.Now), NextCut: o.NextCut, FreeUsers: usage.List.FreeUsers,
		UserPrice: usage.List.User, CertificatePrice: usage.List.Certificate, Smallest: usage.List.Smallest,
	}
	for _, m := range o.Months {
		out.Months = append(out.Months, usageMonth(m))
	}
	return c.JSON(http.StatusOK, out)
}

func usageMonth(m usage.Month) UsageMonth {
	return UsageMonth{Month: m.Month, Users: m.Users, Certificates: m.Certificates, Amount: m.Amount, Carried: m.Carried, Invoiced: m.Invoiced}
}

// usageCSV: GET /api/v1/usage.csv -> 200 text/csv.
func (s *Server) usageCSV(c echo.Context) error {
	var b bytes.Buffer
	if err := s.Usage.CSV(c.Request().Context(), actor(c), &b); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="usage.csv"`)
	return c.Blob(http.StatusOK, "text/csv; charset=utf-8", b.Bytes())
}
