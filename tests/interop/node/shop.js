// SPDX-License-Identifier: Apache-2.0
//
// The same shop as tests/interop/python/shop.py, with the OpenTelemetry Node SDK: same roles, arguments and record, so
// that processes of both languages can serve one request. This one also speaks OTLP/JSON over HTTP.
'use strict';

const fs = require('fs');
const http = require('http');
const { parseArgs } = require('util');

const api = require('@opentelemetry/api');
const { SeverityNumber } = require('@opentelemetry/api-logs');
const { W3CTraceContextPropagator } = require('@opentelemetry/core');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BatchLogRecordProcessor, LoggerProvider } = require('@opentelemetry/sdk-logs');
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { BasicTracerProvider, BatchSpanProcessor, SamplingDecision } = require('@opentelemetry/sdk-trace-base');
const { AsyncLocalStorage } = require('async_hooks');

const { SpanKind, SpanStatusCode } = api;
const HTTP_TIMEOUT_MS = 20000;
const ITEMS = 40;
// This SDK rounds the start of a span to milliseconds; siblings that differ in it have an order.
const START_GRAIN_MS = 2;

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// A value of every type that the SDK takes, at its borders.
const ALL_TYPES = {
  'type.string': 'naïve café ☕ "quoted"\n',
  'type.string.empty': '',
  'type.string.long': '0123456789abcdef'.repeat(256),
  'type.bool.true': true,
  'type.bool.false': false,
  'type.int': 42,
  'type.int.zero': 0,
  'type.int.negative': -7,
  'type.int.max': Number.MAX_SAFE_INTEGER,
  'type.int.min': Number.MIN_SAFE_INTEGER,
  'type.double': 3.141592653589793,
  'type.double.tiny': 5e-324,
  'type.double.fraction': -1.25e-7,
  'type.strings': ['a', '', 'ü'],
  'type.strings.gap': ['a', null, 'b'],
  'type.bools': [true, false],
  'type.ints': [1, -2, 2 ** 52],
  'type.doubles': [0.5, -1.25],
  'type.list.empty': [],
};

// What the SDK for Node keeps in its own package: the active context along asynchronous calls.
class ContextKeeper {
  constructor() { this.storage = new AsyncLocalStorage(); }
  active() { return this.storage.getStore() ?? api.ROOT_CONTEXT; }
  with(context, call, self, ...rest) { return this.storage.run(context, () => call.apply(self, rest)); }
  bind(context, target) { return (...rest) => this.with(context, target, undefined, ...rest); }
  enable() { return this; }
  disable() { return this; }
}

// Samples everything and starts traces with a tracestate, so that one travels with the context.
class Sampled {
  shouldSample(context) {
    const parent = api.trace.getSpanContext(context);
    const traceState = parent ? parent.traceState : api.createTraceState('clew=t61rcWkgMzE,shop=1');
    return { decision: SamplingDecision.RECORD_AND_SAMPLED, traceState };
  }
  toString() { return 'everything, with a tracestate'; }
}

function valueRecord(value) {
  if (value === null || value === undefined) return { empty: null };
  if (typeof value === 'boolean') return { bool: value };
  if (typeof value === 'string') return { string: value };
  if (typeof value === 'number') {
    return Number.isInteger(value) ? { int: BigInt(value).toString() } : { double: String(value) };
  }
  return { array: value.map(valueRecord) };
}

const attributesRecord = (attributes) =>
  Object.entries(attributes ?? {}).map(([key, value]) => [key, valueRecord(value)]);
const nanos = ([seconds, rest]) => (BigInt(seconds) * 1000000000n + BigInt(rest)).toString();
// The W3C flags, "whether the parent is remote" is known, and what it is.
const flagsRecord = (traceFlags, parent) => (traceFlags & 0xff) | (parent?.isRemote ? 0x300 : 0x100);

function spanRecord(span) {
  const context = span.spanContext();
  return {
    trace_id: context.traceId,
    span_id: context.spanId,
    parent_span_id: span.parentSpanContext?.spanId ?? '',
    trace_state: context.traceState?.serialize() ?? '',
    flags: flagsRecord(context.traceFlags, span.parentSpanContext),
    name: span.name,
    kind: span.kind + 1,
    start: nanos(span.startTime),
    end: nanos(span.endTime),
    attributes: attributesRecord(span.attributes),
    dropped_attributes: span.droppedAttributesCount,
    events: span.events.map((event) => (
      { time: nanos(event.time), name: event.name, attributes: attributesRecord(event.attributes) })),
    dropped_events: span.droppedEventsCount,
    links: span.links.map((link) => ({
      trace_id: link.context.traceId,
      span_id: link.context.spanId,
      trace_state: link.context.traceState?.serialize() ?? '',
      flags: flagsRecord(link.context.traceFlags, link.context),
      attributes: attributesRecord(link.attributes),
    })),
    dropped_links: span.droppedLinksCount,
    status: { code: span.status.code, message: span.status.message ?? '' },
    // The exporter of this SDK sends no attributes of scopes.
    scope: {
      name: span.instrumentationScope.name,
      version: span.instrumentationScope.version ?? '',
      schema_url: span.instrumentationScope.schemaUrl ?? '',
      attributes: [],
    },
    resource: attributesRecord(span.resource.attributes),
    resource_schema_url: span.resource.schemaUrl ?? '',
  };
}

class Recorder {
  constructor() { this.spans = []; }
  onStart() {}
  onEnd(span) { this.spans.push(spanRecord(span)); }
  async forceFlush() {}
  async shutdown() {}
}

// Exporters of spans, logs and metrics for the protocol and compression asked for.
function exporters({ protocol, compression, endpoint }) {
  const kind = { grpc: 'grpc', 'http/protobuf': 'proto', 'http/json': 'http' }[protocol];
  const make = (signal, name) => {
    const Exporter = require(`@opentelemetry/exporter-${signal}-otlp-${kind}`)[name];
    const path = kind === 'grpc' ? '' : `/v1/${signal === 'trace' ? 'traces' : signal}`;
    return new Exporter({ url: endpoint + path, compression });
  };
  return [make('trace', 'OTLPTraceExporter'), make('logs', 'OTLPLogExporter'), make('metrics', 'OTLPMetricExporter')];
}

class Telemetry {
  constructor(settings) {
    api.diag.setLogger(new api.DiagConsoleLogger(), api.DiagLogLevel.WARN);
    api.context.setGlobalContextManager(new ContextKeeper());
    api.propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    const resource = resourceFromAttributes({
      'service.name': `shop-${settings.role}`,
      'service.version': '1.2.3',
      'host.cpu.count': 2,
      'deployment.regions': ['eu', 'us'],
    }, { schemaUrl: 'https://opentelemetry.io/schemas/1.27.0' });
    const [spanExporter, logExporter, metricExporter] = exporters(settings);
    this.recorder = new Recorder();
    this.traces = new BasicTracerProvider({
      resource,
      sampler: new Sampled(),
      spanProcessors: [this.recorder, new BatchSpanProcessor(spanExporter, { scheduledDelayMillis: 200 })],
    });
    this.tracer = this.traces.getTracer('shop', '4.5.6', { schemaUrl: 'https://opentelemetry.io/schemas/1.26.0' });
    this.logs = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor(logExporter)] });
    const reader = new PeriodicExportingMetricReader({ exporter: metricExporter });
    this.metrics = new MeterProvider({ resource, readers: [reader] });
  }

  // A log record and a metric: Clew keeps neither, and must say so without making the SDK complain.
  note(role) {
    this.logs.getLogger('shop').emit({ severityNumber: SeverityNumber.INFO, body: `${role} ends` });
    this.metrics.getMeter('shop').createCounter('shop.ends').add(1, { role });
  }

  async shutDown(record) {
    await this.traces.shutdown();
    await this.logs.shutdown();
    await this.metrics.shutdown();
    fs.writeFileSync(record, JSON.stringify(this.recorder.spans));
  }
}

class PaymentDeclined extends Error {
  constructor(message) {
    super(message);
    this.name = 'PaymentDeclined';
  }
}

// What each role does when it is asked; `call` asks the next role.
class Shop {
  constructor(tracer, following) {
    this.tracer = tracer;
    this.following = following;
  }

  // Runs `work(span)` inside a span, and ends it with an exception recorded if one leaves.
  async within(name, options, context, work) {
    const span = this.tracer.startSpan(name, options, context);
    try {
      return await api.context.with(api.trace.setSpan(context, span), () => work(span));
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: `${error.name}: ${error.message}` });
      throw error;
    } finally {
      span.end();
    }
  }

  call(role, path) {
    return this.within(`POST ${path}`, { kind: SpanKind.CLIENT }, api.context.active(), async (span) => {
      const address = this.following[role];
      span.setAttribute('server.address', address);
      const headers = {};
      api.propagation.inject(api.context.active(), headers);
      const status = await new Promise((resolve, reject) => {
        const options = { method: 'POST', headers, timeout: HTTP_TIMEOUT_MS, agent: false };
        const request = http.request(`http://${address}${path}`, options, (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode));
        });
        request.on('error', reject);
        request.end();
      });
      span.setAttribute('http.response.status_code', status);
      if (status >= 400) span.setStatus({ code: SpanStatusCode.ERROR, message: `${role} answered ${status}` });
      return status;
    });
  }

  client() {
    const options = { attributes: { 'user.id': 7, 'user.vip': false } };
    return this.within('buy', options, api.ROOT_CONTEXT, async (span) => {
      span.addEvent('cart ready', { 'cart.items': ITEMS, 'cart.ids': ['a1', 'b2'] });
      const status = await this.call('gateway', '/checkout');
      span.addEvent('answered');
      await this.within('orders publish', { kind: SpanKind.PRODUCER }, api.context.active(),
        async (publish) => publish.setAttribute('messaging.system', 'none'));
      return status;
    });
  }

  gateway(_path, span) {
    span.setAttributes(ALL_TYPES);
    span.addEvent('all types', ALL_TYPES);
    return this.call('order', '/order');
  }

  order() {
    // A trace of its own, which the order links to.
    const audit = this.tracer.startSpan('audit', {}, api.ROOT_CONTEXT);
    audit.end();
    const remote = {
      traceId: 'abcdef0123456789abcdef0123456789', spanId: 'fedcba9876543210', traceFlags: 1, isRemote: true,
      traceState: api.createTraceState('other=x'),
    };
    const links = [
      { context: audit.spanContext(), attributes: { 'link.reason': 'audit', 'link.weights': [0.5, 1.5] } },
      { context: remote },
    ];
    return this.within('orders consume', { kind: SpanKind.CONSUMER, links }, api.context.active(), async () => {
      await this.call('inventory', '/reserve');
      const status = await this.call('payment', '/pay?attempt=1');
      if (status === 200) return status;
      await pause(START_GRAIN_MS);
      return this.call('payment', '/pay?attempt=2');
    });
  }

  async inventory() {
    for (let item = 0; item < ITEMS; ++item) {
      await this.within('reserve item', {}, api.context.active(), async (span) => {
        span.setAttribute('item.number', item);
        span.setAttribute('item.price', item / 8 + 0.01);
      });
    }
    const instant = Date.now() + START_GRAIN_MS;
    this.tracer.startSpan('instant', { startTime: instant }).end(instant);
    return 200;
  }

  async payment(path, span) {
    if (path.endsWith('attempt=1')) throw new PaymentDeclined('card ending in 4242 was declined');
    span.setStatus({ code: SpanStatusCode.OK });
    return 200;
  }
}

// Answers requests until SIGTERM.
function serve(role, shop) {
  return new Promise((resolve) => {
    const server = http.createServer(async (request, response) => {
      const context = api.propagation.extract(api.ROOT_CONTEXT, request.headers);
      const path = request.url.split('?')[0];
      let status = 500;
      try {
        status = await shop.within(`POST ${path}`, { kind: SpanKind.SERVER }, context, async (span) => {
          span.setAttribute('url.path', path);
          const answered = await shop[role](request.url, span);
          span.setAttribute('http.response.status_code', answered);
          return answered;
        });
      } catch (error) {
        if (!(error instanceof PaymentDeclined)) throw error;
        status = 402;
      }
      response.writeHead(status, { 'content-length': 0 });
      response.end();
    });
    server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
    process.on('SIGTERM', () => {
      server.close(resolve);
      server.closeAllConnections();
    });
  });
}

async function main() {
  const { values } = parseArgs({
    options: {
      role: { type: 'string' },
      next: { type: 'string', multiple: true, default: [] },
      protocol: { type: 'string' },
      compression: { type: 'string' },
      endpoint: { type: 'string' },
      record: { type: 'string' },
    },
  });
  const telemetry = new Telemetry(values);
  const shop = new Shop(telemetry.tracer, Object.fromEntries(values.next.map((one) => one.split('='))));
  let status = 200;
  if (values.role === 'client') status = await shop.client();
  else await serve(values.role, shop);
  telemetry.note(values.role);
  await telemetry.shutDown(values.record);
  process.exitCode = status === 200 ? 0 : 1;
}

main();
