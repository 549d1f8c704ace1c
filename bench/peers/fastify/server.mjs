// Fastify and amqplib: the framework's own validation, one confirm channel.
import { createHash, timingSafeEqual } from "node:crypto";
import amqp from "amqplib";
import Fastify from "fastify";

const digest = (text) => createHash("sha256").update(text).digest();
const key = digest(process.env.KEY);

const connection = await amqp.connect(process.env.BROKER);
const channel = await connection.createConfirmChannel();
const returned = new Set();
let next = 0;
channel.on("return", (message) => returned.add(message.properties.messageId));

const app = Fastify({ logger: false });

app.addHook("onRequest", async (request, reply) => {
  const [scheme, sent] = (request.headers.authorization ?? "").split(" ", 2);
  if (scheme.toLowerCase() !== "bearer" || !timingSafeEqual(digest(sent ?? ""), key)) {
    return reply.code(401).send({ code: "unauthenticated" });
  }
});

const event = {
  type: "object",
  additionalProperties: false,
  required: ["id", "type"],
  properties: {
    id: { type: "string", minLength: 1, maxLength: 256 },
    type: { type: "string", maxLength: 200, pattern: "^[a-z][a-z0-9_]*(\\.[a-z0-9_]+)+$" },
    time: { type: "string", format: "date-time" },
    subject: { type: "string", maxLength: 1024 },
    data: { type: "object" },
  },
};

app.post("/v1/events", { schema: { body: event } }, async (request, reply) => {
  const messageId = String(++next);
  await new Promise((resolve, reject) => {
    channel.publish(
      "postern.actions",
      "postern.recorder",
      Buffer.from(JSON.stringify(request.body)),
      { persistent: true, mandatory: true, messageId },
      (error) => (error ? reject(error) : resolve()),
    );
  });
  if (returned.delete(messageId)) return reply.code(503).send({ code: "unroutable" });
  return reply.code(202).send({ id: request.body.id, actions: [] });
});

await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
