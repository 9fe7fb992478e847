"use strict";
SwaggerUIBundle({
  dom_id: "#docs",
  url: "openapi.json",
  validatorUrl: null, // nothing is asked of anybody else
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
});
