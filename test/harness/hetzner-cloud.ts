import type { Clock } from '../../shared/time/clock.ts'

type Json = Record<string, unknown>

interface Thing {
  readonly id: number
  readonly name: string
  /** When it was made: lists show it later. */
  readonly since: number
  body: Json
}

interface Action {
  readonly id: number
  readonly command: string
  readonly thing: Thing
  readonly endsAt: number
  error: Json | null
  /** What it does when it ends well. */
  readonly effect: () => void
  done: boolean
}

export interface HetznerCloudOptions {
  readonly clock: Clock
  readonly token?: string
  /** Requests that the bucket holds; it is filled within an hour (3,600 in the real one). */
  readonly limit?: number
  /** How long actions take. */
  readonly actionMilliseconds?: number
  /** How far lists are behind. */
  readonly listLag?: number
}

/** What becomes of one request besides what it asks for. `lost`: it is done, and the answer never arrives. */
export type CloudFault = 'lost' | 'cut' | 'unavailable' | 'conflict' | 'garbage'

const PAGE = 25
const LARGEST_PAGE = 50
/** Of load balancers by type: services, targets. */
const TYPES: Readonly<Record<string, { services: number; targets: number }>> = {
  lb11: { services: 5, targets: 25 },
  lb21: { services: 15, targets: 75 },
  lb31: { services: 30, targets: 150 },
}
const LOCATIONS = ['fsn1', 'nbg1', 'hel1', 'ash', 'hil', 'sin']

class Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const refuse = (status: number, code: string, message: string): never => {
  throw new Refusal(status, code, message)
}

/**
 * The Hetzner Cloud's API in memory, as its documentation has it (docs.hetzner.cloud): tokens, a bucket of requests an hour with its headers, pages,
 * names that are unique, label selectors, locks while an action runs, limits by type; lists that are behind and actions that take time, if asked for.
 */
export class HetznerCloud {
  readonly requests: string[] = []
  /** How many requests were refused because there were too many. */
  limited = 0
  readonly actions = new Map<number, Action>()
  readonly #things = { servers: new Map<number, Thing>(), load_balancers: new Map<number, Thing>(), networks: new Map<number, Thing>() }
  readonly #options: Required<HetznerCloudOptions>
  #nextId = 100
  #tokens: number
  #filledAt: number
  /** Asked for each request, by its number from 1. */
  fault: (number: number, request: string) => CloudFault | undefined = () => undefined
  /** Answers the error with which an action ends, by its command. */
  actionError: (command: string) => Json | undefined = () => undefined
  token: string
  /** The most load balancers that there ever were at a time. */
  most = 0

  constructor(options: HetznerCloudOptions) {
    this.#options = { token: 'secret-token', limit: 3_600, actionMilliseconds: 0, listLag: 0, ...options }
    this.token = this.#options.token
    this.#tokens = this.#options.limit
    this.#filledAt = options.clock.now()
  }

  get balancers(): Json[] {
    this.#settle()
    return [...this.#things.load_balancers.values()].map(({ body }) => body)
  }

  /** Leaves this many requests in the bucket. */
  drain(left: number): void {
    this.#refill()
    this.#tokens = left
  }

  addServer(name: string, more: Json = {}): number {
    const id = this.#nextId++
    const location = { id: 1, name: 'fsn1', network_zone: 'eu-central' }
    const body = {
      ...{
        id,
        name,
        status: 'running',
        server_type: { id: 22, name: 'cx22' },
        location,
        datacenter: { id: 4, name: 'fsn1-dc14', location },
      },
      public_net: { ipv4: { ip: `203.0.113.${id % 250}`, blocked: false }, ipv6: { ip: '2001:db8:1::/64', blocked: false } },
      private_net: [],
      ...more,
    }
    this.#things.servers.set(id, { id, name, since: Number.NEGATIVE_INFINITY, body })
    return id
  }

  changeServer(id: number, more: Json): void {
    Object.assign(this.#things.servers.get(id)?.body ?? {}, more)
  }

  removeServer(id: number): void {
    this.#things.servers.delete(id)
  }

  addNetwork(): number {
    const id = this.#nextId++
    const body = { id, name: `net-${id}`, ip_range: '10.0.0.0/8', routes: [] }
    this.#things.networks.set(id, { id, name: `net-${id}`, since: Number.NEGATIVE_INFINITY, body })
    return id
  }

  routesOf(network: number): unknown {
    this.#settle()
    return this.#things.networks.get(network)?.body['routes']
  }

  /** In the place of `fetch`. */
  readonly send = async (url: string, init: RequestInit): Promise<Response> => {
    init.signal?.throwIfAborted()
    const { pathname, searchParams } = new URL(url)
    const request = `${init.method} ${pathname.replace(/^\/v1/, '')}`
    this.requests.push(request)
    const fault = this.fault(this.requests.length, request)
    if (fault === 'cut') throw new TypeError('fetch failed')
    if (fault === 'garbage') return new Response('<html>Bad gateway</html>', { status: 502 })
    const answer = fault === 'unavailable' || fault === 'conflict' ? faultAnswer(fault) : this.#answer(request, searchParams, init)
    if (fault === 'lost') throw new TypeError('fetch failed: other side closed')
    const headers = { ...this.#limitHeaders(), 'content-type': 'application/json' }
    return new Response(answer.body === undefined ? null : JSON.stringify(answer.body), { status: answer.status, headers })
  }

  #answer(request: string, query: URLSearchParams, init: RequestInit): { status: number; body?: unknown } {
    try {
      const headers = new Headers(init.headers)
      if (headers.get('authorization') !== `Bearer ${this.token}`) refuse(401, 'unauthorized', 'unable to authenticate')
      this.#refill()
      if (this.#tokens < 1) this.limited++
      if (this.#tokens < 1) refuse(429, 'rate_limit_exceeded', 'limit of requests per hour reached')
      this.#tokens -= 1
      this.#settle()
      const body: unknown = init.body === undefined || init.body === null ? {} : JSON.parse(String(init.body))
      return this.#route(request, query, body as Json)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { status: error.status, body: { error: { code: error.code, message: error.message, details: null } } }
    }
  }

  #route(request: string, query: URLSearchParams, body: Json): { status: number; body?: unknown } {
    const [method, path = ''] = request.split(' ')
    const [, kind = '', idText, actions, command] = path.split('/')
    if (method === 'GET' && kind === 'actions')
      return { status: 200, body: { action: shown(this.actions.get(Number(idText)) ?? notFound('action')) } }
    if (!isKind(kind)) return notFound('path')
    const things: Map<number, Thing> = this.#things[kind]
    if (method === 'GET' && idText === undefined) return { status: 200, body: this.#page(kind, [...things.values()], query) }
    if (method === 'POST' && idText === undefined && kind === 'load_balancers') return this.#create(body)
    const thing = things.get(Number(idText)) ?? notFound(kind.replace(/s$/, ''))
    const single = kind.replace(/s$/, '')
    if (method === 'GET') return { status: 200, body: { [single]: thing.body } }
    if (this.#isLocked(thing)) refuse(423, 'locked', `${single} is locked: an action is running`)
    if (method === 'POST' && actions === 'actions') {
      const effect =
        kind === 'networks' ? this.#networkEffect(thing, command ?? '', body) : this.#balancerEffect(thing, command ?? '', body)
      return { status: 201, body: { action: shown(this.#begin(command ?? '', thing, effect)) } }
    }
    if (method === 'PUT') {
      Object.assign(thing.body, body)
      return { status: 200, body: { [single]: thing.body } }
    }
    if (method !== 'DELETE' || kind !== 'load_balancers') return refuse(405, 'method_not_allowed', 'method not allowed')
    if ((thing.body['protection'] as Json)['delete'] === true) refuse(403, 'protected', 'load balancer is protected from deletion')
    things.delete(thing.id)
    return { status: 204 }
  }

  #page(key: string, things: Thing[], query: URLSearchParams): Json {
    const size = Number(query.get('per_page') ?? PAGE)
    const page = Number(query.get('page') ?? 1)
    if (size < 1 || size > LARGEST_PAGE || page < 1) refuse(400, 'invalid_input', `per_page must be from 1 to ${LARGEST_PAGE}`)
    const now = this.#options.clock.now()
    const [label, value] = (query.get('label_selector') ?? '').split('=')
    const all = things.filter(
      ({ name, since, body }) =>
        since + this.#options.listLag <= now &&
        (query.get('name') ?? name) === name &&
        (!label || (body['labels'] as Json | undefined)?.[label] === value),
    )
    const last = Math.max(1, Math.ceil(all.length / size))
    const pagination = {
      ...{ page, per_page: size, previous_page: page > 1 ? page - 1 : null, next_page: page < last ? page + 1 : null, last_page: last },
      total_entries: all.length,
    }
    return { [key]: all.slice((page - 1) * size, page * size).map(({ body }) => body), meta: { pagination } }
  }

  #create(wanted: Json): { status: number; body?: unknown } {
    const name = String(wanted['name'])
    const type = String(wanted['load_balancer_type'])
    if (!/^[a-zA-Z0-9][a-zA-Z0-9.-]{0,127}$/.test(name)) refuse(422, 'invalid_input', `invalid input in field 'name'`)
    if (!(type in TYPES)) refuse(422, 'invalid_input', `invalid input in field 'load_balancer_type'`)
    if (!LOCATIONS.includes(String(wanted['location']))) refuse(422, 'invalid_input', `invalid input in field 'location'`)
    if ([...this.#things.load_balancers.values()].some((each) => each.name === name)) {
      refuse(409, 'uniqueness_error', 'load balancer name is already used')
    }
    const limits = TYPES[type] ?? { services: 0, targets: 0 }
    if ((wanted['services'] as Json[]).length > limits.services) refuse(403, 'resource_limit_exceeded', 'service limit exceeded')
    if ((wanted['targets'] as Json[]).length > limits.targets) refuse(403, 'resource_limit_exceeded', 'target limit exceeded')
    const id = this.#nextId++
    const network = wanted['network']
    const body: Json = {
      ...{ id, name, labels: wanted['labels'] ?? {}, location: { name: wanted['location'] }, load_balancer_type: { name: type } },
      ...{ algorithm: wanted['algorithm'] ?? { type: 'round_robin' }, protection: { delete: false }, services: [], targets: [] },
      public_net: {
        enabled: true,
        ipv4: { ip: `198.51.100.${id % 250}`, dns_ptr: '' },
        ipv6: { ip: `2001:db8:${id.toString(16)}::1`, dns_ptr: '' },
      },
      private_net: network === undefined ? [] : [{ network, ip: '10.0.0.99' }],
    }
    const thing = { id, name, since: this.#options.clock.now(), body }
    const effects = [
      ...(wanted['services'] as Json[]).map((each) => this.#balancerEffect(thing, 'add_service', each, true)),
      ...(wanted['targets'] as Json[]).map((each) => this.#balancerEffect(thing, 'add_target', each, true)),
    ]
    this.#things.load_balancers.set(id, thing)
    this.most = Math.max(this.most, this.#things.load_balancers.size)
    const action = this.#begin('create_load_balancer', thing, () => {
      for (const effect of effects) effect()
    })
    return { status: 201, body: { load_balancer: body, action: shown(action) } }
  }

  /** Checks at once, as the API does, and answers what happens when the action ends. */
  #balancerEffect(thing: Thing, command: string, wanted: Json, isNew = false): () => void {
    const services = thing.body['services'] as Json[]
    const targets = thing.body['targets'] as Json[]
    const limits = TYPES[String((thing.body['load_balancer_type'] as Json)['name'])] ?? { services: 0, targets: 0 }
    const port = wanted['listen_port']
    const index = services.findIndex((each) => each['listen_port'] === port)
    const server = Number((wanted['server'] as Json | undefined)?.['id'])
    const at = targets.findIndex((each) => (each['server'] as Json)['id'] === server)
    switch (command) {
      case 'add_service':
        if (index >= 0) refuse(412, 'source_port_already_used', 'source port already in use')
        if (services.length >= limits.services) refuse(403, 'resource_limit_exceeded', 'service limit exceeded')
        return () => void services.push(serviceBody(wanted))
      case 'update_service':
        if (index < 0) return notFound('service')
        return () => void (services[index] = serviceBody({ ...services[index], ...wanted }))
      case 'delete_service':
        if (index < 0) return notFound('service')
        return () =>
          void services.splice(
            services.findIndex((each) => each['listen_port'] === port),
            1,
          )
      case 'add_target': {
        if (!this.#things.servers.has(server)) return notFound('server')
        if (at >= 0) refuse(422, 'target_already_defined', 'target is already defined')
        if (targets.length >= limits.targets) refuse(403, 'resource_limit_exceeded', 'target limit exceeded')
        const isAttached = isNew || (thing.body['private_net'] as Json[]).length > 0
        if (wanted['use_private_ip'] === true && !isAttached)
          refuse(422, 'load_balancer_not_attached_to_network', 'not attached to a network')
        return () =>
          void targets.push({
            type: 'server',
            server: { id: server },
            use_private_ip: wanted['use_private_ip'] ?? false,
            health_status: [],
          })
      }
      case 'remove_target':
        if (at < 0) return notFound('target')
        return () =>
          void targets.splice(
            targets.findIndex((each) => (each['server'] as Json)['id'] === server),
            1,
          )
      case 'change_algorithm':
        return () => void (thing.body['algorithm'] = { type: wanted['type'] })
      case 'attach_to_network':
        return () => void (thing.body['private_net'] as Json[]).push({ network: wanted['network'], ip: '10.0.0.99' })
      default:
        return notFound('action')
    }
  }

  #networkEffect(thing: Thing, command: string, wanted: Json): () => void {
    const routes = thing.body['routes'] as Json[]
    const is = (each: Json) => each['destination'] === wanted['destination'] && each['gateway'] === wanted['gateway']
    if (command === 'add_route') {
      if (routes.some((each) => each['destination'] === wanted['destination'])) refuse(422, 'invalid_input', 'route overlaps another')
      return () => void routes.push(wanted)
    }
    if (command !== 'delete_route' || !routes.some(is)) return notFound('route')
    return () => void routes.splice(routes.findIndex(is), 1)
  }

  #begin(command: string, thing: Thing, effect: () => void): Action {
    const { clock, actionMilliseconds } = this.#options
    const action = {
      id: this.#nextId++,
      command,
      thing,
      endsAt: clock.now() + actionMilliseconds,
      error: null as Json | null,
      effect,
      done: false,
    }
    this.actions.set(action.id, action)
    this.#settle()
    return action
  }

  #settle(): void {
    for (const action of this.actions.values()) {
      if (action.done || action.endsAt > this.#options.clock.now()) continue
      action.done = true
      action.error = this.actionError(action.command) ?? null
      if (!action.error) action.effect()
    }
  }

  #isLocked(thing: Thing): boolean {
    return [...this.actions.values()].some((action) => action.thing === thing && !action.done)
  }

  #refill(): void {
    const { clock, limit } = this.#options
    const now = clock.now()
    this.#tokens = Math.min(limit, this.#tokens + ((now - this.#filledAt) * limit) / 3_600_000)
    this.#filledAt = now
  }

  #limitHeaders(): Record<string, string> {
    const { clock, limit } = this.#options
    const full = clock.now() + ((limit - this.#tokens) * 3_600_000) / limit
    return {
      'RateLimit-Limit': `${limit}`,
      'RateLimit-Remaining': `${Math.floor(this.#tokens)}`,
      'RateLimit-Reset': `${Math.ceil(full / 1_000)}`,
    }
  }
}

function notFound(what: string): never {
  return refuse(404, 'not_found', `${what} not found`)
}

function isKind(kind: string): kind is 'servers' | 'load_balancers' | 'networks' {
  return ['servers', 'load_balancers', 'networks'].includes(kind)
}

function serviceBody(wanted: Json): Json {
  const health = wanted['health_check'] as Json
  return { http: null, ...wanted, health_check: { http: null, ...health } }
}

function shown({ id, command, thing, endsAt, error, done }: Action): Json {
  const status = done ? (error ? 'error' : 'success') : 'running'
  return {
    ...{ id, command, status, progress: done ? 100 : 50, error, started: new Date(0).toISOString() },
    ...{ finished: done ? new Date(endsAt).toISOString() : null, resources: [{ id: thing.id, type: 'load_balancer' }] },
  }
}

function faultAnswer(fault: 'unavailable' | 'conflict'): { status: number; body: unknown } {
  const error = { code: fault, message: fault === 'conflict' ? 'the resource has changed during the request' : 'service unavailable' }
  return { status: fault === 'conflict' ? 409 : 503, body: { error } }
}
