import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LocalFunction } from './service.ts';
import { type Caller, isSigned } from './signature.ts';

/** A server in front of functions. */
export interface Front {
  readonly url: string;
  readonly stop: () => void;
}

/** What a load balancer takes from and gives to a Lambda target. */
const maxAlbBytes = 1024 * 1024;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function listen(handle: (request: IncomingMessage, body: Buffer, response: ServerResponse) => Promise<void>): Promise<Front> {
  const server: Server = createServer(async (request, response) => {
    try {
      await handle(request, await bodyOf(request), response);
    } catch {
      response.destroy();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Bodies are text for types that say so, and base64 for all others and for what is compressed. */
function eventBody({ headers }: IncomingMessage, body: Buffer): { readonly body: string; readonly isBase64Encoded: boolean } {
  const text =
    /^(text\/|application\/(json|javascript|xml)(;|$))/.test(headers['content-type'] ?? 'text/') &&
    headers['content-encoding'] === undefined;
  return { body: body.toString(text ? 'utf8' : 'base64'), isBase64Encoded: !text };
}

interface HttpResult {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

function sendResult(response: ServerResponse, payload: Buffer): void {
  const { statusCode, headers = {}, body = '', isBase64Encoded = false } = JSON.parse(payload.toString()) as HttpResult;
  response.writeHead(statusCode, headers).end(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
}

/** The Lambda API: `POST /2015-03-31/functions/{name}/invocations`, signed. */
export function startInvokeApi(functions: readonly LocalFunction[], caller: Caller): Promise<Front> {
  return listen(async (request, body, response) => {
    const fail = (status: number, type: string, message: string, headers: Readonly<Record<string, string>> = {}) =>
      response
        .writeHead(status, { 'Content-Type': 'application/json', 'x-amzn-errortype': type, ...headers })
        .end(JSON.stringify({ Type: 'User', message }));
    if (!(await isSigned(request, body, caller)))
      return void fail(403, 'InvalidSignatureException', 'The request signature we calculated does not match');
    const name = /^\/2015-03-31\/functions\/([^/?]+)\/invocations/.exec(request.url ?? '')?.[1] ?? '';
    const wanted = functions.find((one) => one.name === decodeURIComponent(name));
    if (wanted === undefined) return void fail(404, 'ResourceNotFoundException', `Function not found: ${name}`);
    const end = await wanted.invoke(body);
    switch (end.kind) {
      case 'throttled':
        return void fail(429, 'TooManyRequestsException', 'Rate Exceeded.', { 'Retry-After': '1' });
      case 'requestTooLarge':
        return void fail(
          413,
          'RequestTooLargeException',
          `${end.sizeBytes} byte payload is too large for the RequestResponse invocation type`,
        );
      case 'error': {
        const { errorType, errorMessage } = end;
        return void response.writeHead(200, { 'X-Amz-Function-Error': 'Unhandled' }).end(JSON.stringify({ errorType, errorMessage }));
      }
      case 'result':
        return void response.writeHead(200, { 'X-Amz-Executed-Version': '$LATEST' }).end(end.payload);
    }
  });
}

/** A function URL with auth type AWS_IAM. */
export function startFunctionUrl(fn: LocalFunction, caller: Caller): Promise<Front> {
  return listen(async (request, body, response) => {
    if (!(await isSigned(request, body, caller))) return void response.writeHead(403).end('{"Message":"Forbidden"}');
    const [rawPath = '/', rawQueryString = ''] = (request.url ?? '/').split('?');
    const http = {
      method: request.method,
      path: rawPath,
      protocol: 'HTTP/1.1',
      sourceIp: '127.0.0.1',
      userAgent: request.headers['user-agent'],
    };
    const event = {
      version: '2.0',
      routeKey: '$default',
      rawPath,
      rawQueryString,
      headers: request.headers,
      requestContext: { http },
      ...eventBody(request, body),
    };
    const end = await fn.invoke(Buffer.from(JSON.stringify(event)));
    if (end.kind === 'result') return sendResult(response, end.payload);
    response.writeHead(end.kind === 'throttled' ? 429 : end.kind === 'requestTooLarge' ? 413 : 502).end('Internal Server Error');
  });
}

/** An Application Load Balancer with the function as its target: at most 1 MiB both ways. */
export function startLoadBalancer(fn: LocalFunction): Promise<Front> {
  return listen(async (request, body, response) => {
    if (body.length > maxAlbBytes) return void response.writeHead(413).end();
    const [path, query = ''] = (request.url ?? '/').split('?');
    const pairs = query === '' ? [] : query.split('&').map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)]);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const elb = { targetGroupArn: 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/search/1' };
    const event = {
      requestContext: { elb },
      httpMethod: request.method,
      path,
      queryStringParameters: Object.fromEntries(pairs),
      headers,
      ...eventBody(request, body),
    };
    const end = await fn.invoke(Buffer.from(JSON.stringify(event)));
    if (end.kind === 'result' && end.payload.length <= maxAlbBytes) return sendResult(response, end.payload);
    response
      .writeHead(502, { Server: 'awselb/2.0', 'Content-Type': 'text/html' })
      .end('<html><head><title>502 Bad Gateway</title></head></html>');
  });
}
