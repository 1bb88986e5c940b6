package web

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/adgang/adgang/internal/entitlement"
	"github.com/adgang/adgang/internal/fault"
)

func (s *Server) entitlementRoutes(api *echo.Group, need ...echo.MiddlewareFunc) {
	api.GET("/rights/services", s.rightServices, need...)
	api.GET("/rights/catalogue", s.catalogue, need...)
	api.GET("/rights/mine", s.rightsMine, need...)
	api.GET("/rights/requests", s.rightRequests, need...)
	api.POST("/rights/requests", s.rightRequestCreate, need...)
	api.POST("/rights/requests/:id/withdraw", s.rightRequestWithdraw, need...)
	api.POST("/rights/requests/:id/approve", s.rightRequestApprove, need...)
	api.POST("/rights/requests/:id/reject", s.rightRequestReject, need...)
	api.GET("/rights/basic", s.basicPackage, need...)
	api.POST("/rights/basic", s.basicAdd, need...)
	api.DELETE("/rights/basic/:id", s.basicDrop, need...)
	api.DELETE("/rights/assignments/:id", s.assignmentDrop, need...)
	api.GET("/rights/holders", s.holders, need...)
	api.GET("/rights/holders.csv", s.holdersExport, need...)
	api.GET("/employees/:id/rights", s.employeeRights, need...)
	api.POST("/employees/:id/rights", s.employeeRightGive, need...)
	api.GET("/services/:id/rights", s.serviceRights, need...)
	api.POST("/services/:id/rights", s.serviceRightPublish, need...)
	api.POST("/services/:id/rights/retire", s.serviceRightRetire, need...)
	api.PUT("/services/:id/access", s.serviceAccess, need...)
}

// rightServices: GET /api/v1/rights/services -> 200 RightServiceList.
func (s *Server) rightServices(c echo.Context) error {
	all, err := s.Rights.Targets(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := RightServiceList{Items: []RightService{}}
	for _, t := range all {
		out.Items = append(out.Items, RightService{ID: t.ID, Name: t.Name, Open: t.Open, Own: t.OwnerID == actor(c).OrgID})
	}
	return c.JSON(http.StatusOK, out)
}

// catalogue: GET /api/v1/rights/catalogue?service=&q=&cursor= -> 200 CatalogueList.
func (s *Server) catalogue(c echo.Context) error {
	page, next, err := s.Rights.Catalogue(c.Request().Context(), actor(c), c.QueryParam("service"), c.QueryParam("q"), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := CatalogueList{Items: []CatalogueRight{}, Next: orNull(next)}
	for _, e := range page {
		out.Items = append(out.Items, catalogueRight(e))
	}
	return c.JSON(http.StatusOK, out)
}

// rightsMine: GET /api/v1/rights/mine -> 200 MyRights.
func (s *Server) rightsMine(c echo.Context) error {
	out := MyRights{Rights: []Holding{}, Requests: []RightRequest{}}
	by := actor(c)
	if by.Employee == "" { // a token
		return c.JSON(http.StatusOK, out)
	}
	held, err := s.Rights.Of(c.Request().Context(), by, by.Employee)
	if err != nil {
		return err
	}
	asked, err := s.Rights.Mine(c.Request().Context(), by)
	if err != nil {
		return err
	}
	out.Rights = holdings(held)
	for _, q := range asked {
		out.Requests = append(out.Requests, rightRequest(q))
	}
	return c.JSON(http.StatusOK, out)
}

// rightRequests: GET /api/v1/rights/requests?state=&cursor= -> 200
// RightRequestList.
func (s *Server) rightRequests(c echo.Context) error {
	page, next, err := s.Rights.Requests(c.Request().Context(), actor(c), c.QueryParam("state"), c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := RightRequestList{Items: []RightRequest{}, Next: orNull(next)}
	for _, q := range page {
		out.Items = append(out.Items, rightRequest(q))
	}
	return c.JSON(http.StatusOK, out)
}

// rightRequestCreate: POST /api/v1/rights/requests RightWish -> 201 Made.
func (s *Server) rightRequestCreate(c echo.Context) error {
	var in RightWish
	if err := bind(c, &in); err != nil {
		return err
	}
	q, err := s.Rights.Ask(c.Request().Context(), actor(c), entitlement.Wish{
		Right: entitlement.ID(in.Right), Scope: scopeOf(in.Scope), Constraints: constraintsOf(in.Constraints), Reason: in.Reason,
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, Made{ID: string(q.ID)})
}

func requestID(c echo.Context) entitlement.RequestID { return entitlement.RequestID(c.Param("id")) }

// rightRequestWithdraw: POST /api/v1/rights/requests/:id/withdraw -> 204.
func (s *Server) rightRequestWithdraw(c echo.Context) error {
	if err := s.Rights.Unask(c.Request().Context(), actor(c), requestID(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// rightRequestApprove: POST /api/v1/rights/requests/:id/approve {"until"} -> 204.
func (s *Server) rightRequestApprove(c echo.Context) error {
	var in RightTerm
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Rights.Approve(c.Request().Context(), actor(c), requestID(c), in.Until); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// rightRequestReject: POST /api/v1/rights/requests/:id/reject {"reason"} -> 204.
func (s *Server) rightRequestReject(c echo.Context) error {
	reason, err := reasonOf(c)
	if err != nil {
		return err
	}
	if err := s.Rights.Reject(c.Request().Context(), actor(c), requestID(c), reason); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// basicPackage: GET /api/v1/rights/basic -> 200 BasicPackage.
func (s *Server) basicPackage(c echo.Context) error {
	lines, err := s.Rights.BasicPackage(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	out := BasicPackage{Items: []BasicLine{}}
	for _, l := range lines {
		out.Items = append(out.Items, BasicLine{Right: catalogueRight(l.Right), Applies: BasicApplies(l.Applies), Since: l.Since})
	}
	return c.JSON(http.StatusOK, out)
}

// basicAdd: POST /api/v1/rights/basic {"right", "applies"} -> 204.
func (s *Server) basicAdd(c echo.Context) error {
	var in BasicAdd
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Rights.AddBasic(c.Request().Context(), actor(c), entitlement.ID(in.Right), string(in.Applies)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// basicDrop: DELETE /api/v1/rights/basic/:id -> 204.
func (s *Server) basicDrop(c echo.Context) error {
	if err := s.Rights.DropBasic(c.Request().Context(), actor(c), entitlement.ID(c.Param("id"))); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// assignmentDrop: DELETE /api/v1/rights/assignments/:id -> 204.
func (s *Server) assignmentDrop(c echo.Context) error {
	if err := s.Rights.Take(c.Request().Context(), actor(c), entitlement.AssignmentID(c.Param("id"))); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func search(c echo.Context) (entitlement.Search, error) {
	f := entitlement.Search{
		Service: c.QueryParam("service"), Group: entitlement.GroupID(c.QueryParam("group")),
		PNumber: c.QueryParam("p_number"), SENumber: c.QueryParam("se_number"),
	}
	for _, id := range c.QueryParams()["right"] {
		f.Rights = append(f.Rights, entitlement.ID(id))
	}
	if text := c.QueryParam("days"); text != "" {
		days, err := strconv.Atoi(text)
		if err != nil {
			return f, fault.New(fault.Invalid, "entitlement.holders.form", "The days must be a number from 0.").On("days").Because(err)
		}
		f.Days = days
	}
	return f, nil
}

// holders: GET /api/v1/rights/holders?right=&service=&group=&p_number=&se_number=&days=&cursor=
// -> 200 HolderList.
func (s *Server) holders(c echo.Context) error {
	f, err := search(c)
	if err != nil {
		return err
	}
	page, next, err := s.Rights.Holders(c.Request().Context(), actor(c), f, c.QueryParam("cursor"))
	if err != nil {
		return err
	}
	out := HolderList{Items: []Holder{}, Next: orNull(next)}
	for _, h := range page {
		out.Items = append(out.Items, Holder{Employee: colleague(h.Employee), Rights: holdings(h.Holdings)})
	}
	return c.JSON(http.StatusOK, out)
}

// holdersExport: GET /api/v1/rights/holders.csv?...&lang= -> 200 text/csv.
func (s *Server) holdersExport(c echo.Context) error {
	f, err := search(c)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="rights.csv"`)
	return s.Rights.Export(c.Request().Context(), actor(c), f, c.QueryParam("lang"), c.Response())
}

// employeeRights: GET /api/v1/employees/:id/rights -> 200 HoldingList.
func (s *Server) employeeRights(c echo.Context) error {
	held, err := s.Rights.Of(c.Request().Context(), actor(c), employeeID(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, HoldingList{Items: holdings(held)})
}

// employeeRightGive: POST /api/v1/employees/:id/rights RightGift -> 201 Made.
func (s *Server) employeeRightGive(c echo.Context) error {
	g, err := gift(c)
	if err != nil {
		return err
	}
	g.Employee = employeeID(c)
	return s.give(c, g)
}

func gift(c echo.Context) (entitlement.Gift, error) {
	var in RightGift
	err := bind(c, &in)
	return entitlement.Gift{
		Right: entitlement.ID(in.Right), Scope: scopeOf(in.Scope), Constraints: constraintsOf(in.Constraints), From: in.From, Until: in.Until,
	}, err
}

func (s *Server) give(c echo.Context, g entitlement.Gift) error {
	a, err := s.Rights.Give(c.Request().Context(), actor(c), g)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, Made{ID: string(a.ID)})
}

// serviceRights: GET /api/v1/services/:id/rights -> 200 PublishedList.
func (s *Server) serviceRights(c echo.Context) error {
	t, all, err := s.Rights.Published(c.Request().Context(), actor(c), c.Param("id"))
	if err != nil {
		return err
	}
	out := PublishedList{Open: t.Open, Items: []CatalogueRight{}}
	for _, p := range all {
		one, given := catalogueRight(p.Entry), int(p.Given)
		one.Given = &given
		out.Items = append(out.Items, one)
	}
	return c.JSON(http.StatusOK, out)
}

// serviceRightPublish: POST /api/v1/services/:id/rights RightOffer -> 201 Made.
func (s *Server) serviceRightPublish(c echo.Context) error {
	var in RightOffer
	if err := bind(c, &in); err != nil {
		return err
	}
	o := entitlement.Offer{
		URI: in.URI, NameDA: in.NameDa, NameEN: orZero(in.NameEn), TextDA: orZero(in.TextDa), TextEN: orZero(in.TextEn),
		Allowed: constraintsOf(in.Constraints), Requestable: orZero(in.Requestable), Seal: orZero(in.Seal), Level: string(orZero(in.Level)),
	}
	for _, kind := range orZero(in.Scopes) {
		o.Scopes = append(o.Scopes, string(kind))
	}
	r, err := s.Rights.Publish(c.Request().Context(), actor(c), c.Param("id"), o)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, Made{ID: string(r.ID)})
}

// serviceRightRetire: POST /api/v1/services/:id/rights/retire {"right"} -> 204.
func (s *Server) serviceRightRetire(c echo.Context) error {
	var in RightChosen
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Rights.Retire(c.Request().Context(), actor(c), c.Param("id"), entitlement.ID(in.Right)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// serviceAccess: PUT /api/v1/services/:id/access {"open"} -> 204.
func (s *Server) serviceAccess(c echo.Context) error {
	var in ServiceAccess
	if err := bind(c, &in); err != nil {
		return err
	}
	if err := s.Rights.SetOpen(c.Request().Context(), actor(c), c.Param("id"), in.Open); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
