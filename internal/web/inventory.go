package web

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/fault"
	"github.com/adgang/adgang/internal/inventory"
	"github.com/adgang/adgang/internal/sheet"
)

func (s *Server) inventoryRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/inventory", s.inventory, need...)
	api.POST("/inventory", s.inventoryImport, need...)
	api.GET("/inventory.csv", s.inventoryExport, need...)
	api.POST("/inventory/renewals", s.inventoryRenew, need...)
	api.GET("/inventory/hosts", s.inventoryHosts, need...)
	api.POST("/inventory/hosts", s.inventoryHostAdd, need...)
	api.DELETE("/inventory/hosts/:id", s.inventoryHostRemove, need...)
	api.POST("/inventory/hosts/:id/scan", s.inventoryHostScan, need...)
	api.GET("/inventory/campaigns", s.inventoryCampaigns, need...)
	api.POST("/inventory/campaigns", s.inventoryCampaignNew, need...)
	api.GET("/inventory/campaigns/:id", s.inventoryCampaign, need...)
	api.DELETE("/inventory/campaigns/:id", s.inventoryCampaignDrop, need...)
	api.POST("/inventory/campaigns/:id/start", s.inventoryCampaignStart, need...)
	api.POST("/inventory/campaigns/:id/pause", s.inventoryCampaignPause, need...)
	api.POST("/inventory/campaigns/:id/resume", s.inventoryCampaignResume, need...)
	api.POST("/inventory/campaigns/:id/cancel", s.inventoryCampaignCancel, need...)
	api.PUT("/inventory/campaigns/:id/deadline", s.inventoryCampaignMove, need...)
	api.GET("/inventory/campaigns/:id/members", s.inventoryCampaignMembers, need...)
	api.GET("/inventory/campaigns/:id/report.csv", s.inventoryCampaignReport, need...)
	api.GET("/inventory/:id", s.inventoryShow, need...)
	api.PUT("/inventory/:id", s.inventoryChange, need...)
	api.DELETE("/inventory/:id", s.inventoryDelete, need...)
	api.GET("/inventory/:id/certificate.cer", s.inventoryDER, need...)
	api.POST("/inventory/:id/places", s.inventoryPlaceAdd, need...)
	api.PUT("/inventory/:id/places/:place", s.inventoryPlaceTick, need...)
	api.DELETE("/inventory/:id/places/:place", s.inventoryPlaceRemove, need...)
	api.GET("/forecast", s.forecast, need...)
	api.GET("/forecast.csv", s.forecastExport, need...)
}

func inventoryFilter(c echo.Context) inventory.Filter {
	return inventory.Filter{
		Q: c.QueryParam("q"), Generation: c.QueryParam("generation"), Kind: c.QueryParam("kind"), Plan: c.QueryParam("plan"),
		Until: c.QueryParam("until"), Owner: c.QueryParam("owner"), Campaign: c.QueryParam("campaign"), Cursor: c.QueryParam("cursor"),
	}
}

func inventoryOf(c inventory.Certificate) InventoryCertificate {
	out := InventoryCertificate{
		ID: c.ID, Name: c.Name, Subject: c.Subject, SubjectID: c.SubjectID, CVR: c.CVR, Issuer: c.Issuer, Serial: c.Serial, Email: c.Email, ProfileID: c.ProfileID,
		ContactLang: InventoryCertificateContactLang(c.ContactLang), ContactPost: c.ContactPost, Chain: InventoryCertificateChain(c.Chain),
		Generation: CertificateGeneration(c.Generation), Kind: CertificateKind(c.Kind), Test: c.Test, SecureEmail: c.SecureEmail,
		Source: InventoryCertificateSource(c.Source), NotAfter: c.NotAfter, Plan: CertificatePlan(c.Plan), OwnerID: string(c.OwnerID),
		ContactName: c.ContactName, ContactEmail: c.ContactEmail, RenewBy: c.RenewBy, SwitchOn: c.SwitchOn, Version: c.Version,
	}
	if !c.NotBefore.IsZero() {
		out.NotBefore = &c.NotBefore
	}
	return out
}

func inventoryAll(page []inventory.Certificate) []InventoryCertificate {
	out := make([]InventoryCertificate, len(page))
	for i, c := range page {
		out[i] = inventoryOf(c)
	}
	return out
}

// inventory: GET /api/v1/inventory?q=&generation=&kind=&plan=&until=&owner=&campaign=&cursor=
// -> 200 InventoryList.
func (s *Server) inventory(c echo.Context) error {
	page, next, err := s.Inventory.List(c.Request().Context(), actor(c), inventoryFilter(c))
	if err != nil {
		return err
	}
	items, err := s.owned(c, page)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, InventoryList{Items: items, Next: orNull(next)})
}

// owned is a page with the names of those who look after the certificates.
func (s *Server) owned(c echo.Context, page []inventory.Certificate) ([]InventoryCertificate, error) {
	var ids []access.EmployeeID
	for _, one := range page {
		if one.OwnerID != "" {
			ids = append(ids, one.OwnerID)
		}
	}
	names, err := s.Org.Names(c.Request().Context(), actor(c), ids...)
	out := inventoryAll(page)
	for i, one := range page {
		out[i].OwnerName = names[one.OwnerID]
	}
	return out, err
}

// inventoryExport: GET /api/v1/inventory.csv -> 200 text/csv.
func (s *Server) inventoryExport(c echo.Context) error {
	by := actor(c)
	if err := by.Need(access.ViewCertificates); err != nil {
		return err
	}
	f := inventoryFilter(c)
	f.Cursor = ""
	return csvAnswer(c, "certificates.csv", func(out io.Writer) error {
		w, err := sheet.NewCSV(out, "name", "generation", "kind", "cvr", "subject_id", "serial", "issuer", "email", "not_before", "not_after", "plan", "contact", "renew_by", "switch_on")
		if err != nil {
			return err
		}
		err = s.Inventory.Each(c.Request().Context(), by, f, func(one inventory.Certificate) error {
			from := ""
			if !one.NotBefore.IsZero() {
				from = one.NotBefore.UTC().Format(time.RFC3339)
			}
			return w.Write(one.Name, one.Generation, one.Kind, one.CVR, one.SubjectID, one.Serial, one.Issuer, one.Email, from,
				one.NotAfter.UTC().Format(time.RFC3339), one.Plan, one.ContactEmail, one.RenewBy, one.SwitchOn)
		})
		if err != nil {
			return err
		}
		return w.Close()
	})
}

// csvAnswer answers with a CSV file that write writes.
func csvAnswer(c echo.Context, name string, write func(io.Writer) error) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	return write(c.Response())
}

func inventoryTooLarge(cause error) error {
	return fault.New(fault.Invalid, "inventory.file.size", "The file is larger than %d MB. Upload it in parts.", inventory.MaxFile>>20).On("file").Because(cause)
}

// inventoryImport: POST /api/v1/inventory multipart file -> 201 InventoryReport.
func (s *Server) inventoryImport(c echo.Context) error {
	if err := actor(c).Need(access.OrderCertificate); err != nil {
		return err // before a large body is read
	}
	var none struct{}
	up, err := s.receive(c.Request(), &none)
	if fault.CodeOf(err) == "cutover.file.too_large" {
		err = inventoryTooLarge(err)
	}
	if err != nil {
		return err
	}
	defer up.discard()
	content, err := io.ReadAll(io.NewSectionReader(up.file, 0, inventory.MaxFile+1))
	if err != nil {
		return err
	}
	if len(content) > inventory.MaxFile {
		return inventoryTooLarge(nil)
	}
	report, err := s.Inventory.Import(c.Request().Context(), actor(c), up.name, content)
	if err != nil {
		return err
	}
	out := InventoryReport{Added: inventoryAll(report.Added), Known: report.Known, Replaced: report.Replaced, Refused: []InventoryRefusal{}}
	for _, r := range report.Refused {
		out.Refused = append(out.Refused, InventoryRefusal{Where: r.Where, Code: r.Code, Message: r.Text})
	}
	return c.JSON(http.StatusCreated, out)
}

// inventoryShow: GET /api/v1/inventory/:id -> 200 InventoryView.
func (s *Server) inventoryShow(c echo.Context) error {
	ctx, by := c.Request().Context(), actor(c)
	v, err := s.Inventory.Show(ctx, by, c.Param("id"))
	if err != nil {
		return err
	}
	w, err := s.Reminder.Of(ctx, by, v.ID)
	if err != nil {
		return err
	}
	out := InventoryView{
		Certificate: inventoryOf(v.Certificate), Note: v.Note, Listed: v.DER == nil, RetiredAt: v.RetiredAt, Places: []InventoryPlace{},
		SuccessorID: v.SuccessorID, Successor: v.Successor, InstalledAt: v.InstalledAt, Wants: []InventoryViewWants{}, Likely: inventoryAll(v.Likely), Path: append([]string{}, v.Path...), Reminders: remindersOf(w.Sent),
	}
	for _, w := range v.Wants {
		out.Wants = append(out.Wants, InventoryViewWants(w))
	}
	if v.Owner != nil {
		out.Owner = &struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		}{string(v.Owner.ID), v.Owner.Name()}
	}
	for _, p := range v.Places {
		out.Places = append(out.Places, InventoryPlace{ID: p.ID, Name: p.Name, ContactName: p.ContactName, ContactEmail: p.ContactEmail, InstalledAt: p.InstalledAt})
	}
	if v.Renewal != nil {
		out.Renewal = &InventoryOrder{
			ID: v.Renewal.ID, Method: InventoryOrderMethod(v.Renewal.Method), State: InventoryOrderState(v.Renewal.State), RenewBy: v.Renewal.RenewBy,
			CreatedAt: v.Renewal.CreatedAt, IssuedAt: v.Renewal.IssuedAt, RemindedAt: v.Renewal.RemindedAt,
		}
	}
	if w.Snooze != nil {
		out.SnoozedUntil, out.SnoozeReason = w.Snooze.Until, w.Snooze.Reason
	}
	return c.JSON(http.StatusOK, out)
}

// inventoryChange: PUT /api/v1/inventory/:id InventoryCare -> 204.
func (s *Server) inventoryChange(c echo.Context) error {
	var in InventoryCare
	if err := bind(c, &in); err != nil {
		return err
	}
	err := s.Inventory.Change(c.Request().Context(), actor(c), c.Param("id"), inventory.Care{
		Version: in.Version, OwnerID: access.EmployeeID(orZero(in.OwnerID)), ContactName: orZero(in.ContactName), ContactEmail: orZero(in.ContactEmail),
		SuccessorID: orZero(in.SuccessorID), RenewBy: orZero(in.RenewBy), SwitchOn: orZero(in.SwitchOn), Note: orZero(in.Note), Retired: orZero(in.Retired),
		ContactLang: string(orZero(in.ContactLang)), ContactPost: orZero(in.ContactPost), Installed: in.Installed,
	})
	return empty(c, err)
}

// empty answers 204 unless err says otherwise.
func empty(c echo.Context, err error) error {
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// inventoryDelete: DELETE /api/v1/inventory/:id -> 204.
func (s *Server) inventoryDelete(c echo.Context) error {
	return empty(c, s.Inventory.Delete(c.Request().Context(), actor(c), c.Param("id")))
}

// inventoryDER: GET /api/v1/inventory/:id/certificate.cer -> 200 DER.
func (s *Server) inventoryDER(c echo.Context) error {
	der, err := s.Inventory.DER(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="certificate.cer"`)
	return c.Blob(http.StatusOK, "application/pkix-cert", der)
}

// inventoryPlaceAdd: POST /api/v1/inventory/:id/places InventoryPlaceNew -> 201 Made.
func (s *Server) inventoryPlaceAdd(c echo.Context) error {
	var in InventoryPlaceNew
	if err := bind(c, &in); err != nil {
		return err
	}
	p, err := s.Inventory.AddPlace(c.Request().Context(), actor(c), c.Param("id"), inventory.Place{
		Name: in.Name, ContactName: orZero(in.ContactName), ContactEmail: orZero(in.ContactEmail),
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, Made{ID: p.ID})
}

// inventoryPlaceTick: PUT /api/v1/inventory/:id/places/:place InventoryTick -> 204.
func (s *Server) inventoryPlaceTick(c echo.Context) error {
	var in InventoryTick
	if err := bind(c, &in); err != nil {
		return err
	}
	return empty(c, s.Inventory.Installed(c.Request().Context(), actor(c), c.Param("id"), c.Param("place"), in.Installed))
}

// inventoryPlaceRemove: DELETE /api/v1/inventory/:id/places/:place -> 204.
func (s *Server) inventoryPlaceRemove(c echo.Context) error {
	return empty(c, s.Inventory.RemovePlace(c.Request().Context(), actor(c), c.Param("id"), c.Param("place")))
}

// inventoryHosts: GET /api/v1/inventory/hosts -> 200 InventoryHostList.
func (s *Server) inventoryHosts(c echo.Context) error {
	all, err := s.Inventory.Hosts(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := InventoryHostList{Items: []InventoryHost{}}
	for _, h := range all {
		out.Items = append(out.Items, InventoryHost{
			ID: h.ID, Address: h.Address, CertificateID: h.CertificateID, Failure: InventoryHostFailure(h.Failure), ScannedAt: h.ScannedAt,
		})
	}
	return c.JSON(http.StatusOK, out)
}

// inventoryHostAdd: POST /api/v1/inventory/hosts InventoryHostNew -> 201 Made.
func (s *Server) inventoryHostAdd(c echo.Context) error {
	var in InventoryHostNew
	if err := bind(c, &in); err != nil {
		return err
	}
	h, err := s.Inventory.AddHost(c.Request().Context(), actor(c), in.Address)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, Made{ID: h.ID})
}

// inventoryHostRemove: DELETE /api/v1/inventory/hosts/:id -> 204.
func (s *Server) inventoryHostRemove(c echo.Context) error {
	return empty(c, s.Inventory.RemoveHost(c.Request().Context(), actor(c), c.Param("id")))
}

// inventoryHostScan: POST /api/v1/inventory/hosts/:id/scan -> 204.
func (s *Server) inventoryHostScan(c echo.Context) error {
	return empty(c, s.Inventory.AskScan(c.Request().Context(), actor(c), c.Param("id")))
}

// inventoryRenew: POST /api/v1/inventory/renewals RenewalPlan -> 200 RenewalList.
func (s *Server) inventoryRenew(c echo.Context) error {
	var in RenewalPlan
	if err := bind(c, &in); err != nil {
		return err
	}
	all, err := s.Inventory.Renew(c.Request().Context(), actor(c), inventory.Renewals{
		IDs: in.Ids, From: in.From, To: in.To, DryRun: orZero(in.DryRun), Invite: orZero(in.Invite),
	})
	if err != nil {
		return err
	}
	out := RenewalList{Items: []Renewal{}}
	for _, r := range all {
		out.Items = append(out.Items, Renewal{ID: r.ID, Name: r.Name, NotAfter: r.NotAfter, RenewBy: r.RenewBy, Late: r.Late, Invited: r.Invited, Letter: r.Letter, Way: RenewalWay(r.Way)})
	}
	return c.JSON(http.StatusOK, out)
}

func whatIf(c echo.Context) (w inventory.WhatIf, err error) {
	for name, to := range map[string]*int{"months": &w.Months, "earlier": &w.Earlier, "spread": &w.Spread} {
		if text := c.QueryParam(name); text != "" {
			if *to, err = strconv.Atoi(text); err != nil {
				return w, fault.New(fault.Invalid, "inventory.forecast.number", "%s must be a number.", name).On(name)
			}
		}
	}
	w.Deadline, w.Leaving = c.QueryParam("deadline"), c.QueryParam("leaving")
	return w, nil
}

func forecastMonth(m inventory.Month) ForecastMonth {
	one := ForecastMonth{Month: m.Month, Ending: m.Ending, Renewals: m.Renewal, Counts: []ForecastCount{}}
	for _, n := range m.Counts {
		one.Counts = append(one.Counts, ForecastCount{
			Kind: CertificateKind(n.Kind), Generation: CertificateGeneration(n.Generation), Plan: CertificatePlan(n.Plan), Count: n.N,
		})
	}
	return one
}

// forecast: GET /api/v1/forecast?months=&earlier=&spread=&deadline=&leaving= -> 200
// Forecast.
func (s *Server) forecast(c echo.Context) error {
	w, err := whatIf(c)
	if err != nil {
		return err
	}
	outlook, err := s.Inventory.Forecast(c.Request().Context(), actor(c), w)
	if err != nil {
		return err
	}
	out := Forecast{Overdue: forecastMonth(outlook.Overdue), Months: []ForecastMonth{}}
	for _, m := range outlook.Months {
		out.Months = append(out.Months, forecastMonth(m))
	}
	return c.JSON(http.StatusOK, out)
}

// forecastExport: GET /api/v1/forecast.csv -> 200 text/csv.
func (s *Server) forecastExport(c echo.Context) error {
	w, err := whatIf(c)
	if err != nil {
		return err
	}
	ctx, by := c.Request().Context(), actor(c)
	if _, err := s.Inventory.Forecast(ctx, by, w); err != nil {
		return err
	}
	return csvAnswer(c, "forecast.csv", func(out io.Writer) error { return s.Inventory.ForecastCSV(ctx, by, w, out) })
}
