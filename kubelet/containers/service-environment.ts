import type { Service } from '../../shared/openapi/generated/core-v1.ts'

/** The variables by which containers find Services without DNS: `WEB_SERVICE_HOST`, `WEB_SERVICE_PORT`, and Docker's older links. */
export function serviceVariables(services: readonly Service[]): Map<string, string> {
  const variables = new Map<string, string>()
  for (const service of services) {
    const { clusterIP, ports = [] } = service.spec
    if (!clusterIP || clusterIP === 'None' || ports.length === 0) continue
    const prefix = variableName(service.metadata.name ?? '')
    const host = clusterIP.includes(':') ? `[${clusterIP}]` : clusterIP
    variables.set(`${prefix}_SERVICE_HOST`, clusterIP)
    variables.set(`${prefix}_SERVICE_PORT`, String(ports[0]?.port))
    for (const { name, port } of ports) if (name) variables.set(`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port))
    for (const [index, { port, protocol = 'TCP' }] of ports.entries()) {
      const scheme = protocol.toLowerCase()
      const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
      if (index === 0) variables.set(`${prefix}_PORT`, `${scheme}://${host}:${port}`)
      variables.set(link, `${scheme}://${host}:${port}`)
      variables.set(`${link}_PROTO`, scheme)
      variables.set(`${link}_PORT`, String(port))
      variables.set(`${link}_ADDR`, clusterIP)
    }
  }
  return variables
}

/** The Services a pod of this namespace hears of: its own when links are on, and always the API server's. */
export function servicesFor(namespace: string, enableServiceLinks: boolean, services: readonly Service[]): Service[] {
  const byName = new Map<string, Service>()
  const isMaster = ({ metadata }: Service) => metadata.namespace === 'default' && metadata.name === 'kubernetes'
  for (const service of services) {
    const own = enableServiceLinks && service.metadata.namespace === namespace
    if (own || (isMaster(service) && !byName.has('kubernetes'))) byName.set(service.metadata.name ?? '', service)
  }
  return [...byName.values()]
}

function variableName(text: string): string {
  return text.replaceAll('-', '_').toUpperCase()
}
