package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/reminder"
)

func (s *Server) reminderRoutes(api *echo.Group, open, need []echo.MiddlewareFunc) {
	api.GET("/reminders", s.reminders, need...)
	api.GET("/reminders/rules", s.reminderRules, need...)
	api.PUT("/reminders/rules", s.reminderRulesChange, need...)
	api.POST("/reminders/calendar", s.reminderCalendar, need...)
	api.PUT("/inventory/:id/snooze", s.inventorySnooze, need...)
	api.GET("/calendar/:token", s.calendar, open...)
}

func remindersOf(all []reminder.Sent) []Reminder {
	out := make([]Reminder, len(all))
	for i, r := range all {
		out[i] = Reminder{
			Certificate: r.Certificate, Name: r.Name, Days: r.Days, Receiver: "contact", State: ReminderState(r.State), NotAfter: r.NotAfter,
			CreatedAt: r.CreatedAt, SettledAt: r.SettledAt,
		}
		if id, ok := strings.CutPrefix(r.Receiver, "employee:"); ok {
			out[i].Receiver, out[i].EmployeeID = "employee", id
		}
		if r.Receiver == "webhook" {
			out[i].Receiver = "webhook"
		}
	}
	return out
}

// reminders: GET /api/v1/reminders?cursor= -> 200 ReminderList.
func (s *Server) reminders(c echo.Context) error {
	page, next, err := s.Reminder.Records(c.Request().Context(), actor(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, ReminderList{Items: remindersOf(page), Next: orNull(next)})
}

// reminderRules: GET /api/v1/reminders/rules -> 200 ReminderRules.
func (s *Server) reminderRules(c echo.Context) error {
	r, err := s.Reminder.Rules(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	calls, err := s.Reminder.HookCalls(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	shown := make([]WebhookCall, len(calls))
	for i, one := range calls {
		shown[i] = WebhookCall{
			ID: one.ID, State: WebhookCallState(one.State), QueuedAt: one.QueuedAt, Certificates: one.Certificates, Attempts: one.Attempts, NextAt: one.NextAt,
		}
	}
	return c.JSON(http.StatusOK, ReminderRules{
		WebhookOutcome: &r.WebhookOutcome, WebhookAt: r.WebhookAt, WebhookCalls: &shown,
		Days: r.Days, KeyFileDays: r.KeyFileDays, UsersFrom: r.UsersFrom, AdminsFrom: r.AdminsFrom, QuietFrom: r.QuietFrom, QuietTo: r.QuietTo,
		Weekends: r.Weekends, DigestOver: r.DigestOver, WebhookURL: r.WebhookURL, HasCalendar: &r.HasCalendar, Version: r.Version,
		KeyFileUsersFrom: r.KeyFileUsersFrom, KeyFileAdminsFrom: r.KeyFileAdminsFrom,
	})
}

// reminderRulesChange: PUT /api/v1/reminders/rules ReminderRules -> 200
// ReminderRulesChanged.
func (s *Server) reminderRulesChange(c echo.Context) error {
	var in ReminderRules
	if err := bind(c, &in); err != nil {
		return err
	}
	secret, err := s.Reminder.SetRules(c.Request().Context(), actor(c), reminder.Rules{
		Days: in.Days, KeyFileDays: in.KeyFileDays, UsersFrom: in.UsersFrom, AdminsFrom: in.AdminsFrom, QuietFrom: in.QuietFrom, QuietTo: in.QuietTo,
		Weekends: in.Weekends, DigestOver: in.DigestOver, WebhookURL: in.WebhookURL, Version: in.Version,
		KeyFileUsersFrom: in.KeyFileUsersFrom, KeyFileAdminsFrom: in.KeyFileAdminsFrom,
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, ReminderRulesChanged{WebhookSecret: secret})
}

// reminderCalendar: POST /api/v1/reminders/calendar -> 201 CalendarAddress.
func (s *Server) reminderCalendar(c echo.Context) error {
	token, err := s.Reminder.NewCalendar(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, CalendarAddress{Address: s.BaseURL.String() + "/api/v1/calendar/" + token + ".ics"})
}

// inventorySnooze: PUT /api/v1/inventory/:id/snooze Snooze -> 204.
func (s *Server) inventorySnooze(c echo.Context) error {
	var in Snooze
	if err := bind(c, &in); err != nil {
		return err
	}
	return empty(c, s.Reminder.SetSnooze(c.Request().Context(), actor(c), c.Param("id"), in.Until, orZero(in.Reason)))
}

// calendar: GET /api/v1/calendar/:token -> 200 text/calendar.
func (s *Server) calendar(c echo.Context) error {
	var out strings.Builder
	if err := s.Reminder.Calendar(c.Request().Context(), strings.TrimSuffix(c.Param("token"), ".ics"), &out); err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "text/calendar; charset=utf-8", []byte(out.String()))
}
