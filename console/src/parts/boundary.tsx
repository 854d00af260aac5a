// SPDX-License-Identifier: Apache-2.0
/** A page that breaks says so, and the rest goes on. */
import { Alert, Button } from "antd";
import { Component, type ReactNode } from "react";
import type { Text } from "../i18n";

export class Boundary extends Component<{ t: Text; children: ReactNode }, { error: Error | null }> {
  state = { error: null as Error | null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  render() {
    const { error } = this.state;
    const { t, children } = this.props;
    if (!error) return children;
    // After an update of the server the files of the old console are gone: only a fresh page mends that.
    return (
      <Alert type="error" showIcon data-broken message={t("broken.title")} description={t("broken.text", { error: error.message })}
             action={<Button onClick={() => window.location.reload()}>{t("broken.again")}</Button>} />
    );
  }
}
