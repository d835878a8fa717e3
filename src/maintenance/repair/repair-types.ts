/** The types of a repair, as users name them. */
export type { RepairOptions, RepairResult, RepairedBranch } from './repair.js'
export type { RepairAction, RepairConsent, RepairPlan, RepairStep, Unrepaired } from './repair-plan.js'
