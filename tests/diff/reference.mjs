// Fastify with the reference's schemas: what it says of a request before any work is done.
import { readFileSync } from "node:fs";
import Fastify from "fastify";

export const document = JSON.parse(readFileSync(new URL("../reference/2026-08.json", import.meta.url)));

// Each call: method, path, params, query and body as schemas (null: none), and whether a body is required.
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
        needsBody: operation.requestBody?.required ?? false,
      });
    }
  }
  return found;
}

export async function start() {
  const app = Fastify({ logger: false });
  for (const call of calls()) {
    const schema = {};
    if (Object.keys(call.params.properties).length) schema.params = call.params;
    if (Object.keys(call.query.properties).length) schema.querystring = call.query;
    if (call.needsBody) schema.body = call.body;
    app.route({
      method: call.method,
      url: call.path.replace(/\{(\w+)\}/g, ":$1"),
      schema,
      handler: () => ({ ok: true }),
    });
  }
  await app.ready();
  return app;
}
