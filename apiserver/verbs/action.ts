import { StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { joinApiVersion } from '../../shared/openapi/kinds.ts'
import { sendObject } from '../http/response.ts'
import { asKind } from '../registry/as-kind.ts'
import type { SubresourceCall } from '../registry/define-resource.ts'
import { deleteOptions } from '../registry/delete-options.ts'
import { lookAgain } from '../registry/look-again.ts'
import { type Call, readObject, type VerbTools, writeRequestOf } from './call.ts'

/** A POST that does something to the parent: binding, eviction, token. 201 and what the action answers. */
export async function action(call: Call, tools: VerbTools): Promise<void> {
  const { info, resource } = call
  const served = resource.definition.hooks.actions![info.subresource]!
  const request = writeRequestOf(call)
  const { kind, formerVersions } = served
  const body = await readObject(call, { apiVersion: joinApiVersion(kind.group, kind.version), kind: kind.kind, formerVersions })
  checkBody(body, info.name, info.namespace)
  const { store, objects } = tools
  // Also one that another server has stored a moment ago.
  const entry = await lookAgain({ storage: store.storage, objects }, undefined, async () =>
    store.get(resource, request.namespace, info.name),
  )
  const parent = objects.objectOf(entry)
  await tools.writer.admitOther('CREATE', request, body, undefined)
  const context = tools.writer.contextOf(request)
  const asked: SubresourceCall<KubeObject> = {
    parent,
    body,
    query: info.query,
    context,
    async update(change) {
      const { value } = await tools.writer.update(request, { kind: 'internal' }, (previous) => {
        const next = structuredClone(previous)
        change(next)
        return next
      })
      return JSON.parse(value.toString()) as KubeObject
    },
    async updateOther(v, k, name, change) {
      const other = tools.table.ofKind(v, k)
      if (!other) throw new Error(`${v} ${k} is not served`)
      const place = { resource: other, namespace: name.namespace ?? '', name: name.name, subresource: 'status' }
      await tools.writer.update({ ...request, ...place }, { kind: 'internal' }, (previous) => {
        const next = asKind(structuredClone(previous), v, k)
        if (!next) throw new Error(`${previous.apiVersion} ${previous.kind} is stored as ${v} ${k}`)
        change(next)
        return next
      })
    },
    async remove(options) {
      const { gracePeriodSeconds, preconditions } = options
      await tools.remover.delete(request, {
        ...deleteOptions(undefined, new URLSearchParams()),
        gracePeriodSeconds,
        uid: preconditions?.uid,
      })
    },
  }
  const answer = await served.run(asked)
  return sendObject(call.reply, 201, answer, call.representation, call.warnings)
}

function checkBody(body: KubeObject, name: string, namespace: string): void {
  const { metadata } = body
  if (metadata.name && metadata.name !== name) {
    throw new StatusError('BadRequest', `the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw new StatusError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request')
  }
  metadata.name = name
  metadata.namespace = namespace
}
