import type { ConfigOf, SettingsTable } from '../../shared/process/config.ts'
import { duration, list, port, text } from '../../shared/process/setting.ts'

export const settings = {
  servers: list('API servers of one cluster, https://HOST:6443; one that is ready gets what comes'),
  bindAddress: text('address to listen on', '0.0.0.0'),
  port: port('port to listen on', 6443),
  lookPeriod: duration('how often the server in use is looked at', 500),
  patience: duration('how long it may keep that look waiting before another one is tried', 1_500),
} satisfies SettingsTable

export type DoorConfig = ConfigOf<typeof settings>
