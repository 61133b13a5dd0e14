/**
 * `Status.reason` and the HTTP code that goes with it (apimachinery's meta/v1 StatusReason constants).
 * docs/errors.md is checked against this table.
 */
export const reasonCodes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServerTimeout: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const

/** A reason Kubernetes clients know. */
export type Reason = keyof typeof reasonCodes
