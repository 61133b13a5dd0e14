import { INGRESS_LEASE } from '../shared/ingress/ingress-class.ts'
import type { ConfigOf, SettingsTable } from '../shared/process/config.ts'
import { leaderElectionSettings } from '../shared/process/leader-election-settings.ts'
import { boolean, duration, integer, list, path, port, ranges, text } from '../shared/process/setting.ts'

export const settings = {
  kubeconfig: path('credentials for the API server, which writes them', '/etc/coxswain/edge/ingress.kubeconfig'),
  bindAddress: text('address on which Ingresses are served', '0.0.0.0'),
  httpPort: port('port of HTTP', 8080),
  httpsPort: port('port of HTTPS', 8443),
  publishedHttpPort: integer('port under which clients reach HTTP; default: the port itself', 0, 0, 65_535),
  publishedHttpsPort: integer('port under which clients reach HTTPS: redirects lead there; default: the port itself', 0, 0, 65_535),
  publishAddress: list('addresses or names of where Ingresses are served, for their status; default: the first address of this machine'),
  healthBindAddress: text('where health and metrics are served', '127.0.0.1'),
  healthPort: port('port of health and metrics; 0 is off', 10_254),
  ...leaderElectionSettings(INGRESS_LEASE),
  podRoutes: ranges(
    'all Pod addresses, a range for each family: this machine gets routes to them by way of their nodes; needs ip and NET_ADMIN; default: none',
  ),
  trustedProxies: list('ranges of proxies in front of this one: what they say about the client in X-Forwarded-… is kept'),
  connectTimeout: duration('how long a Pod may take to accept a connection', 2_000),
  answerTimeout: duration('how long a Pod may be silent before it answers', 60_000),
  idleTimeout: duration('how long a request or an answer may stand still', 60_000),
  tunnelIdleTimeout: duration('how long a WebSocket or another upgraded connection may be silent', 3_600_000),
  drainTimeout: duration('how long requests in progress may go on when this stops', 20_000),
  maxConnections: integer('open connections of clients, for each of the two ports; one too many is closed', 10_000, 1),
  maxHeaderBytes: integer('bytes of a request’s target and headers', 32 * 1024, 1024, 1024 * 1024),
  maxBodyBytes: integer('bytes of a request’s body; 0 is no bound: bodies pass through and are never held', 0),
  accessLog: boolean('whether each request is logged', true),
} satisfies SettingsTable

export type IngressConfig = ConfigOf<typeof settings>
