"""The paper's public features, as its authors published them."""
