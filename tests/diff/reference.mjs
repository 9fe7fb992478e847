// Fastify with the reference's schemas: what it says of a request before any work is done.
import { readFileSync } from "node:fs";
import Fastify from "fastify";

export const document = JSON.parse(readFileSync(new URL("../reference/2026-08.json", import.meta.url)));

// Each call: method, path, params, query and body as schemas, whether it takes a body that is an object, and whether it needs one.
export function calls() {
  const found = [];
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const of = (place) => {
        const parameters = (operation.parameters ?? []).filter((p) => p.in === place);
        return {
          type: "object",
          required: parameters.filter((p) => p.required).map((p) => p.name),
          properties: Object.fromEntries(parameters.map((p) => [p.name, p.schema])),
        };
      };
      found.push({
        method: method.toUpperCase(),
        path,
        params: of("path"),
        query: of("query"),
        body: operation.requestBody?.content["application/json"].schema ?? null,
        takesBody: operation.requestBody?.content["application/json"].schema.type === "object",
        // The description calls more bodies optional than the help pages do: only this call is said to need none.
        needsBody: !path.endsWith("/pre-warmed-up-list"),
      });
    }
  }
  return found;
}

export async function start() {
  const app = Fastify({ logger: false, routerOptions: { maxParamLength: 1000 } });
  for (const call of calls()) {
    const schema = {};
    if (Object.keys(call.params.properties).length) schema.params = call.params;
    if (Object.keys(call.query.properties).length) schema.querystring = call.query;
    if (call.takesBody) schema.body = call.body;
    app.route({
      method: call.method,
      url: call.path.replace(/\{(\w+)\}/g, ":$1"),
      schema,
      preValidation: async (request) => {
        if (!call.needsBody && request.body === undefined) request.body = {};
      },
      handler: () => ({ ok: true }),
    });
  }
  await app.ready();
  return app;
}
