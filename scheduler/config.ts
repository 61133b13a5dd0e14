import type { ConfigOf, SettingsTable } from '../shared/process/config.ts'
import { leaderElectionSettings } from '../shared/process/leader-election-settings.ts'
import { integer, list, optional, path, port, text } from '../shared/process/setting.ts'

export const settings = {
  config: path('a file of kind KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1); flags win over it'),
  kubeconfig: path('credentials for the API server', '/etc/coxswain/scheduler.kubeconfig'),
  ...leaderElectionSettings('kube-scheduler'),
  bindAddress: text('where health and metrics are served', '127.0.0.1'),
  healthPort: port('port of health and metrics; 0 is off', 10_259),
  schedulerName: optional(text('Pods with this spec.schedulerName are placed', 'default-scheduler')),
  plugins: list('rules to weigh otherwise or leave out, in this order: ImageLocality=5,NodeAffinity=0,-NodePorts; * is all'),
  writesInFlight: integer('how many bindings may be under way at once', 64, 1, 10_000),
} satisfies SettingsTable

export type SchedulerConfig = ConfigOf<typeof settings>
