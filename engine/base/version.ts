/** The version of this program. Queriers and functions tell it to each other. */
export const engineVersion = '0.1.0';
