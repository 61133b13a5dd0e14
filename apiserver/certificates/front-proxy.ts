/** Whom extension servers believe whom it speaks for: the common name of its certificate. */
export const FRONT_PROXY_CLIENT = 'front-proxy-client'

/** By which headers it says so; ConfigMap extension-apiserver-authentication tells them, as upstream's does. */
export const frontProxyHeaders = {
  user: 'X-Remote-User',
  uid: 'X-Remote-Uid',
  group: 'X-Remote-Group',
  extraPrefix: 'X-Remote-Extra-',
} as const
