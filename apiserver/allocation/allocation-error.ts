/** A number or address cannot be given; the message is what upstream says in the field's error. */
export class AllocationError extends Error {
  override readonly name = 'AllocationError'
  /** `full` is the server's trouble (500), the other two are the asker's (422). */
  readonly kind: 'full' | 'taken' | 'outside'

  constructor(kind: AllocationError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}
