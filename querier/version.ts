/** The Tempo version whose API this program speaks; clients switch features on by it (spec http-api §7, grafana). */
export const apiVersion = '3.0.3';
/** This program's own version. */
export { engineVersion as programVersion } from '#engine/base/version.ts';
