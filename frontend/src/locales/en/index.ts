export { codes } from './codes';
export { texts } from './texts';
