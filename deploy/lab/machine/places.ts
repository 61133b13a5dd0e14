/** Where things are on a machine of a lab. All of it goes with `uninstall`. */
export const places = {
  /** Settings, kubeconfigs, the join credentials. */
  config: '/etc/coxswain',
  /** The store, keys, pods' files. */
  data: '/var/lib/coxswain',
  /** The kubelet's root. */
  kubelet: '/var/lib/coxswain/kubelet',
  /** Installed releases, and `current`, a link to the one that runs. */
  programs: '/usr/local/lib/coxswain',
  current: '/usr/local/lib/coxswain/current',
  /** This program, for everybody's path. */
  command: '/usr/local/bin/coxswain-lab',
  /** What a reboot may take: addresses of pods, the supervisor. */
  runtime: '/run/coxswain',
  units: '/etc/systemd/system',
  /** Where processes log without journald, a folder each. */
  logs: '/var/log/coxswain',
} as const

export const adminKubeconfig = `${places.config}/admin.kubeconfig`
export const bootstrapKubeconfig = `${places.config}/join/bootstrap.kubeconfig`
export const nodeKubeconfig = `${places.kubelet}/kubelet.kubeconfig`
export const proxyKubeconfig = `${places.kubelet}/kube-proxy.kubeconfig`
