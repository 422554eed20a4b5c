import type { FailureReason } from '../external/invoke.ts';

/**
 * What recent calls say of an endpoint: data, replaced by the functions below. Three things are told apart: calls that fail (the breaker opens), calls that lose
 * their race against a hedge (a straggler is no fault, an endpoint whose every call is one is) and calls that are throttled (the endpoint asks to be left alone).
 */
export interface EndpointHealth {
  readonly consecutiveFailures: number;
  /** Moving shares of the last ten or so calls. */
  readonly failureShare: number;
  readonly throttleShare: number;
  /** The breaker is open until then; 0: closed. Afterwards one probe may go. */
  readonly openUntilMs: number;
  /** Times that it has opened since the last success. */
  readonly openings: number;
  readonly probing: boolean;
  /** Throttled: no calls until then. */
  readonly pausedUntilMs: number;
}

/** An endpoint that nothing is known of counts as healthy. */
export const healthyEndpoint: EndpointHealth = {
  consecutiveFailures: 0,
  failureShare: 0,
  throttleShare: 0,
  openUntilMs: 0,
  openings: 0,
  probing: false,
  pausedUntilMs: 0,
};

/** Weight of one call in the moving shares. */
const weight = 0.1;
const openAfterFailures = 5;
const openAtShare = 0.5;
const firstOpenMs = 1000;
const longestOpenMs = 30_000;
/** A wrong version does not mend itself in seconds. */
const versionOpenMs = 60_000;
/** How long a throttled endpoint is left alone when it does not say. */
export const defaultRetryAfterMs = 1000;
const longestPauseMs = 30_000;

/** `ready`, `probe`: half open, one call may find out; `down`. */
export function availability(health: EndpointHealth, nowMs: number): 'ready' | 'probe' | 'down' {
  if (health.pausedUntilMs > nowMs) return 'down';
  if (health.openUntilMs === 0) return 'ready';
  if (health.openUntilMs > nowMs || health.probing) return 'down';
  return 'probe';
}

/** A call starts. */
export function onStart(health: EndpointHealth, nowMs: number): EndpointHealth {
  return availability(health, nowMs) === 'probe' ? { ...health, probing: true } : health;
}

/** A call has answered: closes the breaker. */
export function onAnswer(health: EndpointHealth): EndpointHealth {
  const wasOpen = health.openUntilMs > 0;
  return {
    ...healthyEndpoint,
    failureShare: wasOpen ? 0 : health.failureShare * (1 - weight),
    throttleShare: health.throttleShare * (1 - weight),
    pausedUntilMs: health.pausedUntilMs,
  };
}

function open(health: EndpointHealth, nowMs: number, forMs: number): EndpointHealth {
  return { ...health, openUntilMs: nowMs + forMs, openings: health.openings + 1, probing: false };
}

/** A call has failed as a whole. */
export function onFailure(health: EndpointHealth, reason: FailureReason, nowMs: number): EndpointHealth {
  const failureShare = health.failureShare + (1 - health.failureShare) * weight;
  const failed = { ...health, failureShare, consecutiveFailures: health.consecutiveFailures + 1, probing: false };
  if (reason === 'version') return open(failed, nowMs, versionOpenMs);
  const opens = health.openUntilMs > 0 || failed.consecutiveFailures >= openAfterFailures || failureShare > openAtShare;
  // A call from before the breaker opened says nothing new.
  if (!opens || health.openUntilMs > nowMs) return failed;
  return open(failed, nowMs, Math.min(longestOpenMs, firstOpenMs * 2 ** health.openings));
}

/** A call was given up because its hedge answered first. */
export function onLostRace(health: EndpointHealth, nowMs: number): EndpointHealth {
  const failureShare = health.failureShare + (1 - health.failureShare) * weight;
  const lost = { ...health, failureShare };
  if (health.probing) return open(lost, nowMs, Math.min(longestOpenMs, firstOpenMs * 2 ** health.openings));
  return failureShare > openAtShare && health.openUntilMs === 0 ? open(lost, nowMs, firstOpenMs) : lost;
}

/** A call says nothing, because nobody wants its answer any more or its jobs may be at fault themselves: a probe has to be made again. */
export function onAbandoned(health: EndpointHealth): EndpointHealth {
  return health.probing ? { ...health, probing: false } : health;
}

/** A call was throttled: when that is the rule and not the exception, the endpoint is left alone for as long as it asks. */
export function onThrottled(health: EndpointHealth, nowMs: number, retryAfterMs: number = defaultRetryAfterMs): EndpointHealth {
  const throttleShare = health.throttleShare + (1 - health.throttleShare) * weight;
  const throttled = { ...health, throttleShare, probing: false };
  if (throttleShare <= openAtShare) return throttled;
  return { ...throttled, pausedUntilMs: Math.max(health.pausedUntilMs, nowMs + Math.min(longestPauseMs, retryAfterMs)) };
}
