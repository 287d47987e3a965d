/** Stands where an icon would be drawn. */
export default () => null;
