// A component that is drawn again only when `same` says that its properties differ.
import { Component, type ComponentType, type FunctionComponent } from "preact";
import { createElement } from "preact";

export function memo<P extends object>(part: FunctionComponent<P>, same: (a: P, b: P) => boolean): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return !same(this.props as P, next);
    }
    override render(props: P) {
      return createElement(part, props);
    }
  } as unknown as ComponentType<P>;
}
