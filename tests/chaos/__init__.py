"""Long runs that look for what short tests miss: fuzz, leaks, soak and chaos."""
