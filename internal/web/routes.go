package web

import (
	"github.com/labstack/echo/v4"
)

// routes is everything that is served. Whoever may call an address is decided
// by the domain method behind it; open marks those that need no login.
func (s *Server) routes() {
	api := s.echo.Group("/api/v1", s.limitBody)
	open := []echo.MiddlewareFunc{s.throttle()}
	need := []echo.MiddlewareFunc{s.needActor}

	api.GET("/installation", s.installation)
	api.GET("/openapi.yaml", s.contract)
	api.POST("/login/challenges", s.challengeCreate, open...)
	api.POST("/login/key-file", s.keyFileLogin, open...)
	api.GET("/login/flows/:id", s.loginFlow, open...)
	api.POST("/activation/look-up", s.activationShow, open...)
	api.POST("/activation/certificate", s.activationComplete, open...)
	api.POST("/key-file/block", s.keyFileBlockOpen, append(open, s.blocking("code"))...)

	api.GET("/session", s.sessionShow, need...)
	api.DELETE("/session", s.sessionEnd, need...)

	api.GET("/batches", s.batches, need...)
	api.POST("/batches", s.batchCreate, need...)
	api.GET("/batches/:id", s.batchShow, need...)
	api.POST("/batches/:id/start", s.batchStart, need...)
	api.POST("/batches/:id/pause", s.batchPause, need...)
	api.POST("/batches/:id/resume", s.batchResume, need...)
	api.POST("/batches/:id/cancel", s.batchCancel, need...)
	api.POST("/batches/:id/retry", s.batchRetry, need...)
	api.GET("/batches/:id/rows", s.batchRows, need...)
	api.GET("/batches/:id/report.csv", s.batchReport, need...)
	api.GET("/batches/:id/result.zip", s.batchResult, need...)
	api.GET("/batches/:id/letters.pdf", s.batchLetters, need...)
	api.GET("/batches/:id/events", s.batchEvents, need...)

	api.GET("/employees", s.employees, need...)
	api.GET("/employees/:id", s.employeeShow, need...)
	api.GET("/employees/:id/installation-code", s.installationCode, need...)
	api.POST("/employees/:id/activation", s.activationReissue, need...)
	api.POST("/employees/:id/code-card/block", s.codeCardBlock, need...)
	api.POST("/employees/:id/key-file/block", s.keyFileBlock, append(need, s.blocking("administrator"))...)
	api.POST("/key-files/block", s.keyFilesBlock, need...)

	s.settingsRoutes(api, need...)
	s.auditRoutes(api, need...)
	s.peopleRoutes(api, open, need)
	s.entitlementRoutes(api, need...)
	s.groupRoutes(api, need...)
	s.reviewRoutes(api, need...)
	s.bulkRoutes(api, need...)
	s.inventoryRoutes(api, need...)
	s.reminderRoutes(api, open, need)
	s.secureMailRoutes(api, need...)
	s.onboardingRoutes(api, open, need)
	s.operatorRoutes(api, open)

	s.serviceRoutes(api, need...)
	s.samlKeyRoutes(api, open)
	s.roleRoutes(api, need...)
	s.approvalRoutes(api, need...)
	s.attorneyRoutes(api, need...)
	s.enrolmentRoutes(api, open, need)
	s.localIdPRoutes(api, open, need)

	s.echo.GET("/api/docs", s.docs)
	s.echo.GET("/api/*", notFound)

	s.samlRoutes(open...)
	s.openIDRoutes(api, open, need)

	s.authorityRoutes()
	s.machineRoutes(open)

	s.echo.GET("/healthz", s.healthz)
	s.echo.GET("/readyz", s.readyz)
	s.echo.GET("/metrics", s.metricsShow)

	if s.DemoHandler != nil {
		s.echo.Any("/demo", echo.WrapHandler(s.DemoHandler))
		s.echo.Any("/demo/*", echo.WrapHandler(s.DemoHandler))
	}
	s.echo.GET("/page/:file", s.pageAsset)
	s.echo.GET("/*", s.spa)
}
