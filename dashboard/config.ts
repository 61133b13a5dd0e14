import type { ConfigOf, SettingsTable } from '../shared/process/config.ts'
import { list, path, port, text } from '../shared/process/setting.ts'

export const settings = {
  kubeconfig: path('where the API server is; credentials in it are not used', '/etc/coxswain/dashboard/dashboard.kubeconfig'),
  bindAddress: text('address on which the pages are served', '127.0.0.1'),
  port: port('port of the pages, plain HTTP; 0 lets the system choose', 8088),
  allowedHosts: list('names besides loopback ones by which browsers may call this server; others are refused'),
  healthBindAddress: text('where health and metrics are served', '127.0.0.1'),
  healthPort: port('port of health and metrics; 0 is off', 10_261),
} satisfies SettingsTable

export type DashboardConfig = ConfigOf<typeof settings>
