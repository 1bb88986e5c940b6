package web

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/inventory"
)

func campaignOf(v inventory.CampaignView) Campaign {
	return Campaign{
		ID: v.ID, Name: v.Name, Generation: CertificateGeneration(v.Generation), ClosesAt: v.ClosesAt, State: CampaignState(v.State), CreatedAt: v.CreatedAt,
		StartedAt: v.StartedAt, ClosedAt: v.ClosedAt, Total: v.Total, NoOwner: v.NoOwner, Revoked: v.Revoked, KeyFiles: v.KeyFiles, Plans: v.Plans, Outcomes: v.Outcomes,
	}
}

// inventoryCampaigns: GET /api/v1/inventory/campaigns -> 200 CampaignList.
func (s *Server) inventoryCampaigns(c echo.Context) error {
	all, err := s.Inventory.Campaigns(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := CampaignList{Items: []Campaign{}}
	for _, v := range all {
		out.Items = append(out.Items, campaignOf(v))
	}
	return c.JSON(http.StatusOK, out)
}

// inventoryCampaignNew: POST /api/v1/inventory/campaigns CampaignNew -> 201 Made.
func (s *Server) inventoryCampaignNew(c echo.Context) error {
	var in CampaignNew
	if err := bind(c, &in); err != nil {
		return err
	}
	made, err := s.Inventory.NewCampaign(c.Request().Context(), actor(c), in.Name, string(in.Generation), in.ClosesAt)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, Made{ID: made.ID})
}

// inventoryCampaign: GET /api/v1/inventory/campaigns/:id -> 200 Campaign.
func (s *Server) inventoryCampaign(c echo.Context) error {
	v, err := s.Inventory.Campaign(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, campaignOf(v))
}

// inventoryCampaignDrop: DELETE /api/v1/inventory/campaigns/:id -> 204.
func (s *Server) inventoryCampaignDrop(c echo.Context) error {
	return empty(c, s.Inventory.DropCampaign(c.Request().Context(), actor(c), c.Param("id")))
}

// inventoryCampaignStart: POST /api/v1/inventory/campaigns/:id/start -> 204.
func (s *Server) inventoryCampaignStart(c echo.Context) error {
	return empty(c, s.Inventory.StartCampaign(c.Request().Context(), actor(c), c.Param("id")))
}

// inventoryCampaignPause: POST /api/v1/inventory/campaigns/:id/pause -> 204.
func (s *Server) inventoryCampaignPause(c echo.Context) error {
	return empty(c, s.Inventory.PauseCampaign(c.Request().Context(), actor(c), c.Param("id")))
}

// inventoryCampaignResume: POST /api/v1/inventory/campaigns/:id/resume -> 204.
func (s *Server) inventoryCampaignResume(c echo.Context) error {
	return empty(c, s.Inventory.ResumeCampaign(c.Request().Context(), actor(c), c.Param("id")))
}

// inventoryCampaignCancel: POST /api/v1/inventory/campaigns/:id/cancel -> 204.
func (s *Server) inventoryCampaignCancel(c echo.Context) error {
	return empty(c, s.Inventory.CancelCampaign(c.Request().Context(), actor(c), c.Param("id")))
}

// inventoryCampaignMove: PUT /api/v1/inventory/campaigns/:id/deadline
// CampaignDeadline -> 204.
func (s *Server) inventoryCampaignMove(c echo.Context) error {
	var in CampaignDeadline
	if err := bind(c, &in); err != nil {
		return err
	}
	return empty(c, s.Inventory.MoveCampaign(c.Request().Context(), actor(c), c.Param("id"), in.ClosesAt))
}

// inventoryCampaignMembers: GET /api/v1/inventory/campaigns/:id/members?cursor= ->
// 200 CampaignMemberList.
func (s *Server) inventoryCampaignMembers(c echo.Context) error {
	page, next, err := s.Inventory.Members(c.Request().Context(), actor(c), c.Param("id"), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := CampaignMemberList{Items: []CampaignMember{}, Next: orNull(next)}
	for _, m := range page {
		out.Items = append(out.Items, CampaignMember{
			CertificateID: m.CertificateID, Name: m.Name, Serial: m.Serial, Issuer: m.Issuer, Kind: m.Kind, NotAfter: m.NotAfter, Plan: m.Plan,
			OwnerID: string(m.OwnerID), ContactEmail: m.ContactEmail, SuccessorID: m.SuccessorID, Outcome: CampaignMemberOutcome(m.Outcome),
			Action: CampaignMemberAction(m.Action), EndedAt: m.EndedAt, JoinedAt: m.JoinedAt,
		})
	}
	return c.JSON(http.StatusOK, out)
}

// inventoryCampaignReport: GET /api/v1/inventory/campaigns/:id/report.csv -> 200
// text/csv.
func (s *Server) inventoryCampaignReport(c echo.Context) error {
	ctx, by := c.Request().Context(), actor(c)
	if _, err := s.Inventory.Campaign(ctx, by, c.Param("id")); err != nil {
		return err
	}
	return csvAnswer(c, "campaign.csv", func(out io.Writer) error { return s.Inventory.CampaignReport(ctx, by, c.Param("id"), out) })
}
