package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/access"
	"github.com/adgang/adgang/internal/review"
)

func (s *Server) reviewRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/reviews", s.reviews, need...)
	api.POST("/reviews", s.reviewStart, need...)
	api.GET("/reviews/:id", s.reviewShow, need...)
	api.GET("/reviews/:id/items", s.reviewItems, need...)
	api.POST("/reviews/:id/decisions", s.reviewDecide, need...)
	api.POST("/reviews/:id/close", s.reviewClose, need...)
	api.GET("/reviews/:id/result.csv", s.reviewResult, need...)
}

func reviewOf(v review.View) Review {
	out := Review{
		ID: v.ID, Name: v.Name, SubjectKind: ReviewSubject(v.SubjectKind), SubjectName: v.SubjectName, DueOn: v.DueOn,
		Undecided: ReviewDefault(v.Undecided), State: ReviewState(v.State), CreatedAt: v.CreatedAt, ClosedAt: v.ClosedAt,
		Total: int(v.Total), Kept: int(v.Kept), Removed: int(v.Removed), Gone: int(v.Gone),
		Open: int(v.Total - v.Kept - v.Removed - v.Gone), Reviewers: []Colleague{},
	}
	for _, e := range v.Reviewers {
		out.Reviewers = append(out.Reviewers, colleague(e))
	}
	return out
}

// reviews: GET /api/v1/reviews?cursor= -> 200 ReviewList.
func (s *Server) reviews(c echo.Context) error {
	page, next, err := s.Review.Campaigns(c.Request().Context(), actor(c), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := ReviewList{Items: []Review{}, Next: orNull(next)}
	for _, v := range page {
		out.Items = append(out.Items, reviewOf(v))
	}
	return c.JSON(http.StatusOK, out)
}

// reviewStart: POST /api/v1/reviews ReviewPlan -> 201 Made.
func (s *Server) reviewStart(c echo.Context) error {
	var in ReviewPlan
	if err := bind(c, &in); err != nil {
		return err
	}
	p := review.Plan{
		Name: in.Name, SubjectKind: string(in.SubjectKind), SubjectID: in.SubjectID, DueOn: in.DueOn, Undecided: string(in.Undecided),
	}
	for _, id := range orZero(in.Reviewers) {
		p.Reviewers = append(p.Reviewers, access.EmployeeID(id))
	}
	made, err := s.Review.Start(c.Request().Context(), actor(c), p)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, Made{ID: made.ID})
}

// reviewShow: GET /api/v1/reviews/:id -> 200 Review.
func (s *Server) reviewShow(c echo.Context) error {
	v, err := s.Review.Campaign(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, reviewOf(v))
}

// reviewItems: GET /api/v1/reviews/:id/items?undecided=&cursor= -> 200
// ReviewItemList.
func (s *Server) reviewItems(c echo.Context) error {
	page, next, err := s.Review.Items(c.Request().Context(), actor(c), c.Param("id"), c.QueryParam("undecided") == "true", c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := ReviewItemList{Items: []ReviewItem{}, Next: orNull(next)}
	for _, i := range page {
		out.Items = append(out.Items, ReviewItem{
			ID: i.ID, Kind: ReviewItemKind(i.Kind), EmployeeID: string(i.EmployeeID), Who: i.Who, WhatDa: i.WhatDA, WhatEn: i.WhatEN,
			Limits: i.Limits, Until: i.UntilAt, Decision: ReviewItemDecision(i.Decision), ByDefault: i.ByDefault,
			Decider: i.Decider, DecidedAt: i.DecidedAt, Note: i.Note,
		})
	}
	return c.JSON(http.StatusOK, out)
}

// reviewDecide: POST /api/v1/reviews/:id/decisions ReviewAnswer -> 204.
func (s *Server) reviewDecide(c echo.Context) error {
	var in ReviewAnswer
	if err := bind(c, &in); err != nil {
		return err
	}
	err := s.Review.Decide(c.Request().Context(), actor(c), c.Param("id"), review.Answer{
		Item: in.Item, Decision: string(in.Decision), Note: orZero(in.Note),
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// reviewClose: POST /api/v1/reviews/:id/close -> 204.
func (s *Server) reviewClose(c echo.Context) error {
	if err := s.Review.Close(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// reviewResult: GET /api/v1/reviews/:id/result.csv?lang= -> 200 text/csv.
func (s *Server) reviewResult(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="review.csv"`)
	return s.Review.Result(c.Request().Context(), actor(c), c.Param("id"), c.QueryParam("lang"), c.Response())
}
