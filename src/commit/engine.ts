/** How snapshots say who made them. */
export const ENGINE_NAME = 'floe'
/** The version of this package. */
export const ENGINE_VERSION = '0.1.0'
